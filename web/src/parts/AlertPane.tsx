// One alert whole: what happened, what to do, where it was, what it was judged by and what was done about it.
import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect } from "react";
import * as api from "../api";
import { useNow } from "../clock";
import { ago, wall } from "../instant";
import { MapPane } from "../map/MapPane";
import { words } from "../problem";
import type { Account } from "../session";
import {
  asks,
  clocks,
  escalated,
  HANDLING,
  OUTCOMES,
  owner,
  plain,
  remarks,
  SEVERITY,
  sentence,
  until,
  warned,
} from "../words";
import { Actions } from "./Actions";
import { Evidence } from "./Evidence";
import { Guard } from "./Guard";
import { History } from "./History";
import { Listed } from "./Listed";
import { Visits } from "./Visits";

const SENDING_MS = 5_000; // that a message went nowhere changes no alert, so that the stream does not say it

interface Props {
  alert: api.Alert | undefined;
  me: Account;
  pane: RefObject<HTMLElement | null>;
  onChanged(alert: api.Alert): void;
  onLeave(): void;
}

export function AlertPane({ alert, me, pane, onChanged, onLeave }: Props) {
  if (alert === undefined) {
    return (
      <section className="pane pane-empty" ref={pane} aria-label="Alert">
        <p>
          Choose an alert: <kbd>p</kbd> for the worst, <kbd>j</kbd> and <kbd>k</kbd> to walk, <kbd>?</kbd> for all keys.
        </p>
      </section>
    );
  }
  return <Whole alert={alert} me={me} pane={pane} onChanged={onChanged} onLeave={onLeave} />;
}

function Whole({ alert, me, pane, onChanged, onLeave }: Props & { alert: api.Alert }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another alert is read from its top
  useEffect(() => {
    pane.current?.scrollTo(0, 0);
  }, [pane, alert.id]);
  const detail = useQuery({
    queryKey: ["alert", alert.id],
    queryFn: ({ signal }) => api.alert(alert.id, signal),
    refetchInterval: ({ state }) => (state.data?.escalation_told === "waiting" ? SENDING_MS : false),
  });
  const read = detail.data;
  useEffect(() => {
    if (read !== undefined) onChanged(read); // it may be newer than what the stream has brought
  }, [read, onChanged]);
  return (
    <section className="pane" ref={pane} aria-labelledby="alert-title">
      <button type="button" className="back" onClick={onLeave}>
        Back to the queue
      </button>
      <h2 id="alert-title">
        <span className="severity" data-severity={alert.severity}>
          <b>{alert.severity}</b> {SEVERITY[alert.severity]}
        </span>{" "}
        {sentence(alert)}
        {alert.zone_id !== null && <small>{asks(alert)}</small>}
      </h2>
      <Warning alert={alert} me={me.id} />
      <Facts alert={alert} me={me.id} told={detail.data?.escalation_told} />
      {alert.wearer_id !== null && <Visits wearer={alert.wearer_id} />}
      <Actions key={alert.id} alert={alert} me={me} history={detail.data?.history ?? []} onChanged={onChanged} />
      {alert.wearer_id !== null && (
        <Guard
          key={`map ${alert.id}`}
          broken={<p role="alert">The map cannot be drawn here. Everything else works.</p>}
        >
          <MapPane alert={alert} wearer={alert.wearer_id} evidence={detail.data?.evidence ?? []} />
        </Guard>
      )}
      {detail.isError && (
        <p role="alert" className="trouble">
          {words(detail.error)}
        </p>
      )}
      <div className="papers">
        {detail.data !== undefined && detail.data.listed.length > 0 && <Listed tags={detail.data.listed} />}
        {alert.wearer_id !== null && <Evidence evidence={detail.data?.evidence ?? []} />}
        <History entries={detail.data?.history ?? []} me={me.id} />
      </div>
    </section>
  );
}

/** In a moment it is nobody's again: said aloud once, so its words do not count down. */
function Warning({ alert, me }: { alert: api.Alert; me: number }) {
  const nowMs = useNow();
  return (
    <p role="alert" className="script-warning">
      {warned(alert, me, nowMs)}
    </p>
  );
}

function Facts({ alert, me, told }: { alert: api.Alert; me: number; told: api.Detail["escalation_told"] | undefined }) {
  const nowMs = useNow();
  const callback = alert.callback_at === null ? null : until(alert.callback_at, nowMs);
  const back = alert.returns_at === null ? null : until(alert.returns_at, nowMs);
  const paused = alert.paused !== null && Date.parse(alert.paused.until) > nowMs ? alert.paused : null;
  const remarked = remarks(alert);
  return (
    <dl className="facts">
      <Fact name="Since" value={`${wall(alert.since, nowMs)}, ${ago(alert.since, nowMs)}`} />
      {alert.since !== alert.event_at && (
        <Fact name="First time" value={`${wall(alert.event_at, nowMs)}, ${ago(alert.event_at, nowMs)}`} />
      )}
      {alert.ended_at !== null && (
        <Fact name="Until" value={`${wall(alert.ended_at, nowMs)}, ${ago(alert.ended_at, nowMs)}`} />
      )}
      <Fact name="Handling" value={`${HANDLING[alert.handling]}, ${owner(alert, me)}`} />
      {clocks(alert, nowMs).map((clock) => (
        <Fact key={clock.act} name={clock.act} value={clock.words} overdue={clock.overdue} stopped={clock.stopped} />
      ))}
      {back !== null && !back.overdue && <Fact name="Back to the queue" value={back.words} />}
      {callback !== null && <Fact name="Call back" value={callback.words} overdue={callback.overdue} />}
      {alert.level > 0 && <Fact name="Escalated" value={escalated(alert, told)} overdue />}
      {paused !== null && <Fact name="Paging paused" value={`until ${wall(paused.until, nowMs)}: ${paused.reason}`} />}
      {alert.outcome !== null && <Fact name="Outcome" value={OUTCOMES[alert.outcome] ?? plain(alert.outcome)} />}
      {remarked.length > 0 && <Fact name="Besides" value={remarked.map((remark) => remark.long).join(" · ")} />}
      {alert.reason !== null && <Fact name="Reason" value={plain(alert.reason)} />}
      {alert.tag !== null && <Fact name="Tag" value={String(alert.tag)} />}
    </dl>
  );
}

interface FactProps {
  name: string;
  value: string;
  overdue?: boolean;
  stopped?: boolean;
}

function Fact({ name, value, overdue = false, stopped = false }: FactProps) {
  return (
    <div data-overdue={overdue} data-stopped={stopped}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
