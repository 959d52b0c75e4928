// Pauses of paging, in force or asked for: a second person approves one, its end is moved, it is ended at once.
import { useState } from "react";
import * as api from "../api";
import { useNow } from "../clock";
import type { Act } from "../doing";
import { ending, local, wall, ZONE } from "../instant";
import type { Sending } from "../once";
import { latest } from "../pausing";
import type { Account } from "../session";
import { plain } from "../words";
import { type Done, Form, text } from "./Form";
import { Part } from "./Page";

interface Props {
  pauses: api.Pause[];
  me: Account;
  busy: boolean;
  onAct: Act;
}

export function Pauses({ pauses, me, busy, onAct }: Props) {
  const [moving, setMoving] = useState<number | null>(null);
  return (
    <Part title="Pauses" empty="Nobody is paused." count={pauses.length}>
      {pauses.map((pause) => (
        <li key={pause.id}>
          <Words pause={pause} />
          <Answers
            pause={pause}
            me={me}
            busy={busy}
            moving={moving === pause.id}
            onMove={() => setMoving(pause.id)}
            onAct={onAct}
          />
          {moving === pause.id && (
            <EndForm
              pause={pause}
              busy={busy}
              onMove={(until, done) =>
                onAct(async () => {
                  await api.movePause(pause, until);
                  done();
                })
              }
              onCancel={() => setMoving(null)}
            />
          )}
        </li>
      ))}
    </Part>
  );
}

function Words({ pause }: { pause: api.Pause }) {
  const nowMs = useNow();
  return (
    <>
      <b>{pause.wearer_name}</b>, {pause.kind === null ? "all kinds" : plain(pause.kind)}, until{" "}
      {wall(pause.until, nowMs)}
      {pause.state === "waiting" && " – not in force: a second person must approve"}
      {pause.longer !== null &&
        ` – until ${wall(pause.longer.until, nowMs)} as soon as a second person approves (${pause.longer.requested_by.name} asks)`}
      <q>{pause.reason}</q>
    </>
  );
}

interface AnswersProps {
  pause: api.Pause;
  me: Account;
  busy: boolean;
  moving: boolean;
  onMove(): void;
  onAct: Act;
}

function Answers({ pause, me, busy, moving, onMove, onAct }: AnswersProps) {
  const asker = pause.state === "waiting" ? pause.requested_by : pause.longer?.requested_by;
  const of = `the pause of ${pause.wearer_name}`;
  return (
    <div className="actions-row">
      {asker !== undefined && me.permissions.includes("approve_pauses") && asker.id !== me.id && (
        <button type="button" disabled={busy} onClick={() => onAct(() => api.approve(pause))}>
          Approve
        </button>
      )}
      {me.permissions.includes("pause_alerts") && (
        <>
          <button type="button" aria-expanded={moving} aria-label={`Another end of ${of}`} onClick={onMove}>
            Another end
          </button>
          {pause.longer !== null && (
            <button
              type="button"
              aria-label={`Drop the later end of ${of}`}
              disabled={busy}
              onClick={() => onAct(() => api.movePause(pause, pause.until))}
            >
              Drop the later end
            </button>
          )}
          <button
            type="button"
            aria-label={`End now: ${of}`}
            disabled={busy}
            onClick={() => onAct(() => api.endPause(pause))}
          >
            End now
          </button>
        </>
      )}
    </div>
  );
}

interface EndFormProps {
  pause: api.Pause;
  busy: boolean;
  onMove(until: string, done: Done): void;
  onCancel(): void;
}

function EndForm({ pause, busy, onMove, onCancel }: EndFormProps) {
  const nowMs = useNow();
  const [stood] = useState(() => local(Date.parse(pause.longer?.until ?? pause.until)));
  function save(typed: FormData, _: Sending, done: Done): void {
    const until = text(typed, "until");
    if (until === stood) onCancel();
    else onMove(new Date(ending(until)).toISOString(), done);
  }
  return (
    <Form
      label={`Another end of the pause of ${pause.wearer_name}`}
      save="Set the end"
      busy={busy}
      onSave={save}
      onCancel={onCancel}
    >
      <p>
        {pause.state === "waiting"
          ? "Nobody has approved the pause: with a later end it is you who asks for it."
          : "A sooner end holds at once. A later one waits for a second person; until they approve, the end stays as it is."}{" "}
        At the latest {wall(new Date(latest(pause)).toISOString(), nowMs, undefined, false)}.
      </p>
      <label>
        New end ({ZONE})
        <input
          name="until"
          type="datetime-local"
          required
          defaultValue={stood}
          min={local(nowMs)}
          max={local(latest(pause))}
        />
      </label>
    </Form>
  );
}
