// An officer's orders, transfers and chain into words.
import type { Chain, Held, Transfer } from "./api";
import { plain } from "./words";

/** "order 3: bail, active – covered for Kim – offered to somebody", to be read after the wearer's name. */
export function held(one: Held): string {
  const said = [`order ${one.order}: ${plain(one.type)}, ${plain(one.status)}`];
  if (one.covered) said.push(`covered for ${one.officer?.name ?? "nobody"}`);
  if (one.transfer !== null) said.push("offered to somebody");
  return said.join(" – ");
}

/** Whether an order can be sent to somebody else: what is only covered is its officer's, what is offered is on its way. */
export function sendable(one: Held): boolean {
  return !one.covered && one.transfer === null;
}

/** "order 3", "orders 3, 4". */
export function orders(transfer: Transfer): string {
  return `${transfer.orders.length === 1 ? "order" : "orders"} ${transfer.orders.join(", ")}`;
}

/** Whom one level is for: "duty officer, outside office hours duty manager". */
export function level(one: Chain["levels"][number]): string {
  const always = plain(one.office);
  return one.otherwise === one.office ? always : `${always}, outside office hours ${plain(one.otherwise)}`;
}
