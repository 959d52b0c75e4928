// What can be done to the alert now: acknowledge, take, call, note, close, reopen, and its script. A refusal is shown in words, here.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as api from "../api";
import { answered } from "../pausing";
import { words } from "../problem";
import type { Step } from "../script";
import type { Account } from "../session";
import { CloseForm } from "./CloseForm";
import { ContactForm } from "./ContactForm";
import type { Done } from "./Form";
import { PauseForm } from "./PauseForm";
import { Script } from "./Script";
import { TextForm } from "./TextForm";

interface Props {
  alert: api.Alert;
  me: Account;
  history: readonly api.Entry[];
  onChanged(alert: api.Alert): void;
}

type Opened = "notes" | "close" | "reopen" | "decide" | "pause" | Calling;

interface Calling {
  person: api.PersonCalled;
  callback: boolean;
  key: string; // of the form: another call is begun anew
}

interface Acting {
  action: string;
  body: object;
  done: Done; // of the form it was written in
}

export function Actions({ alert, me, history, onChanged }: Props) {
  const queries = useQueryClient();
  const [form, setForm] = useState<Opened | null>(null);
  const act = useMutation({
    mutationFn: ({ action, body }: Acting) => api.act(alert, action, body),
    onSuccess: (detail, { done }) => {
      done();
      queries.setQueryData(["alert", alert.id], detail);
      onChanged(detail);
    },
    onError: () => queries.invalidateQueries({ queryKey: ["alert", alert.id] }), // refused: it has likely moved on
  });
  const log = useMutation({
    mutationFn: ({ contact, key }: { contact: api.Contacting; key: string; done: Done }) =>
      api.logContact(contact, key),
    onSuccess: (_logged, { done }) => {
      done();
      queries.invalidateQueries({ queryKey: ["owed"] });
      return queries.invalidateQueries({ queryKey: ["alert", alert.id] }); // the next step is taken of it as it then stands
    },
  });
  const pause = useMutation({
    mutationFn: ({ asked, key }: { asked: api.Pausing; key: string; done: Done }) => api.askPause(asked, key),
    onSuccess: (_asked, { done }) => {
      done();
      queries.invalidateQueries({ queryKey: ["shift"] });
    },
  });
  const busy = act.isPending || log.isPending || pause.isPending;
  const go = (action: string, body: object, done: Done = () => undefined) => act.mutate({ action, body, done });
  const call = (person: api.PersonCalled, callback = false) => setForm({ person, callback, key: crypto.randomUUID() });
  const follow = (step: Step) => {
    if (step.does === "contact") call(step.person);
    else if (step.does === "callback") call("wearer", true);
    else go("steps", { step: step.code, result: "done", text: step.say });
  };
  if (!me.permissions.includes("work_alerts")) return null;
  const logs = me.permissions.includes("log_contacts");
  const closed = alert.handling === "closed";
  const mine = alert.owner?.id === me.id;
  return (
    <div className="actions">
      <div className="actions-row">
        {alert.handling === "new" && (
          <button type="button" className="primary" data-key="a" disabled={busy} onClick={() => go("acknowledge", {})}>
            Acknowledge <kbd>a</kbd>
          </button>
        )}
        {!closed && !mine && (
          <button type="button" data-key="m" disabled={busy} onClick={() => go("assign", { owner: me.id })}>
            Assign to me <kbd>m</kbd>
          </button>
        )}
        {logs && (
          <button
            type="button"
            data-key="l"
            aria-expanded={typeof form === "object" && form !== null}
            onClick={() => call("wearer")}
          >
            Log contact <kbd>l</kbd>
          </button>
        )}
        {alert.running.includes("decision") && alert.due.decision !== null && (
          <button type="button" aria-expanded={form === "decide"} onClick={() => setForm("decide")}>
            Decide
          </button>
        )}
        <button type="button" data-key="n" aria-expanded={form === "notes"} onClick={() => setForm("notes")}>
          Note <kbd>n</kbd>
        </button>
        {closed ? (
          <button type="button" aria-expanded={form === "reopen"} onClick={() => setForm("reopen")}>
            Reopen
          </button>
        ) : (
          <button type="button" data-key="c" aria-expanded={form === "close"} onClick={() => setForm("close")}>
            Close <kbd>c</kbd>
          </button>
        )}
        {!closed && alert.wearer_id !== null && me.permissions.includes("pause_alerts") && (
          <button type="button" aria-expanded={form === "pause"} onClick={() => setForm("pause")}>
            Pause paging
          </button>
        )}
      </div>
      {typeof form === "object" && form !== null && (
        <ContactForm
          key={form.key}
          alert={alert.id}
          person={form.person}
          callback={form.callback}
          busy={busy}
          onLog={(contact, key, done) => log.mutate({ contact, key, done })}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "pause" && alert.wearer_id !== null && (
        <PauseForm
          alert={alert}
          wearer={alert.wearer_id}
          busy={busy}
          onAsk={(asked, key, done) => pause.mutate({ asked, key, done })}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "decide" && (
        <TextForm
          label="What is decided, and why"
          save="Save decision"
          busy={busy}
          onSave={(text, done) => go("steps", { step: "decide", result: "done", text }, done)}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "notes" && (
        <TextForm
          label="Note"
          save="Save note"
          busy={busy}
          onSave={(text, done) => go("notes", { text }, done)}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "reopen" && (
        <TextForm
          label="Why it is opened again"
          save="Reopen"
          busy={busy}
          onSave={(note, done) => go("reopen", { note }, done)}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "close" && (
        <CloseForm
          alert={alert}
          busy={busy}
          onClose={(closing, done) => go("close", closing, done)}
          onCancel={() => setForm(null)}
        />
      )}
      <p role="alert" className="trouble">
        {act.isError ? words(act.error) : log.isError ? words(log.error) : pause.isError ? words(pause.error) : ""}
      </p>
      <p role="status">
        {pause.isSuccess &&
          !answered(pause.data, history) &&
          "The pause is asked for: it begins when a second person approves it, in the shift handover."}
      </p>
      {!closed && <Script alert={alert} history={history} busy={busy} logs={logs} onStep={follow} />}
    </div>
  );
}
