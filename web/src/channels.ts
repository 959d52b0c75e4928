// Whom a channel tells of what, and whether it gets through, in words.
import type { Channel, Delivery } from "./api";
import { ago } from "./instant";
import { plain } from "./words";

/** "P1, P2; strap, case; raised": what it is told of; "everything" where nothing narrows it. */
export function told(channel: Channel): string {
  const parts = [channel.severities, channel.kinds, channel.tells].flatMap((some) =>
    some === null ? [] : [some.map(plain).join(", ")],
  );
  if (channel.digest !== null) parts.push(`numbers each day at ${channel.digest.at} ${channel.digest.timezone}`);
  return parts.length === 0 ? "everything" : parts.join("; ");
}

export interface Standing {
  words: string;
  grade: "well" | "trouble" | "off";
}

/** Whether messages get through, and why not. */
export function standing(channel: Channel, nowMs: number): Standing {
  if (!channel.active) {
    return { words: channel.off_because ? `Off: ${channel.off_because}` : "Switched off", grade: "off" };
  }
  if (channel.failing_since !== null) {
    return { words: `Nothing gets through since ${ago(channel.failing_since, nowMs)}`, grade: "trouble" };
  }
  if (channel.delivered > 0) return { words: "Messages get through", grade: "well" };
  if (channel.failed === 0) return { words: "Nothing sent yet", grade: "well" };
  return { words: `Nothing delivered yet: ${failed(channel)}`, grade: "trouble" };
}

/** How many came and how many tries failed; empty where none came, and its standing says the rest. */
export function counts(channel: Channel): string {
  const said = channel.active && channel.failing_since === null && channel.delivered === 0;
  return said ? "" : `${channel.delivered} delivered, ${failed(channel)}`;
}

function failed(channel: Channel): string {
  return channel.failed === 1 ? "1 try failed" : `${channel.failed} tries failed`;
}

/** What became of a test; null while nobody knows. */
export function tested(delivery: Delivery): string | null {
  if (delivery.state === "waiting") return null;
  if (delivery.state === "delivered") return "The test message was taken.";
  return `The test message did not get through: ${delivery.last_error ?? delivery.state}.`;
}
