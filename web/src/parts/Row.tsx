// One incident as one row: who, what, where, since when, how long is left, and who has it.
import { memo } from "react";
import type { Alert } from "../api";
import { useNow } from "../clock";
import { age, brief, dayOld } from "../instant";
import { due, flags, HANDLING, owner, place, remarks, SEVERITY, verb, who } from "../words";

interface Props {
  alert: Alert;
  me: number;
  selected: boolean;
  place: number;
  of: number;
  top: number;
  onSelect(id: number): void;
}

export const Row = memo(function Row({ alert, me, selected, place: at, of, top, onSelect }: Props) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox round it takes the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the listbox round it takes the focus
    <div
      id={`row-${alert.id}`}
      className="row"
      role="option"
      aria-selected={selected}
      aria-posinset={at}
      aria-setsize={of}
      data-severity={alert.severity}
      data-handling={alert.handling}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(alert.id)}
    >
      <div className="row-line">
        <span className="severity" data-severity={alert.severity}>
          <b>{alert.severity}</b> <span className="severity-words">{SEVERITY[alert.severity]}</span>
        </span>
        <b className="row-name">{who(alert)}</b>
        <span className="row-end">
          <b data-handling={alert.handling}>{HANDLING[alert.handling]}</b> · {owner(alert, me)}
        </span>
      </div>
      <div className="row-line">
        <span className="row-what">
          {verb(alert)} {place(alert)} <b>{alert.zone_name}</b>
        </span>
      </div>
      <div className="row-line">
        <Due alert={alert} />
        <Remarks alert={alert} me={me} />
        <Since alert={alert} />
      </div>
    </div>
  );
});

function Due({ alert }: { alert: Alert }) {
  const clock = due(alert, useNow());
  if (clock === null) return <span className="row-due">No clock</span>;
  return (
    <span className="row-due" data-overdue={clock.overdue}>
      {clock.act} <b>{clock.words}</b>
    </span>
  );
}

/** Where there is no room for all of them, their title says the rest. */
function Remarks({ alert, me }: { alert: Alert; me: number }) {
  const flagged = flags(alert, me, useNow());
  const remarked = remarks(alert);
  return (
    <span className="row-remarks" title={[...flagged, ...remarked.map((remark) => remark.long)].join(" · ")}>
      {flagged.map((flag) => (
        <em key={flag} className="flag">
          {flag}
        </em>
      ))}
      {remarked.map((remark) => (
        <em key={remark.short}>{remark.short}</em>
      ))}
    </span>
  );
}

function Since({ alert }: { alert: Alert }) {
  const nowMs = useNow();
  const said = brief(alert.since, nowMs);
  const time = said.search(/\d\d:\d\d/);
  return (
    <span className="row-end" data-day-old={dayOld(alert.since, nowMs)}>
      <span className="row-age">{age(alert.since, nowMs)} · </span>
      <span className="row-day">{said.slice(0, time)}</span>
      {said.slice(time)}
    </span>
  );
}
