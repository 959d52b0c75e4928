// What can be done to the alert now: acknowledge, take, note, close, reopen. A refusal is shown in words, here.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as api from "../api";
import { words } from "../problem";
import type { Account } from "../session";
import { CloseForm } from "./CloseForm";
import { TextForm } from "./TextForm";

interface Props {
  alert: api.Alert;
  me: Account;
  onChanged(alert: api.Alert): void;
}

type Form = "notes" | "close" | "reopen";

export function Actions({ alert, me, onChanged }: Props) {
  const queries = useQueryClient();
  const [form, setForm] = useState<Form | null>(null);
  const act = useMutation({
    mutationFn: ({ action, body }: { action: string; body: object }) => api.act(alert, action, body),
    onSuccess: (detail) => {
      setForm(null);
      queries.setQueryData(["alert", alert.id], detail);
      onChanged(detail);
    },
    onError: () => queries.invalidateQueries({ queryKey: ["alert", alert.id] }), // refused: it has likely moved on
  });
  const go = (action: string, body: object) => act.mutate({ action, body });
  if (!me.permissions.includes("work_alerts")) return null;
  const closed = alert.handling === "closed";
  const mine = alert.owner?.id === me.id;
  return (
    <div className="actions">
      <div className="actions-row">
        {alert.handling === "new" && (
          <button
            type="button"
            className="primary"
            data-key="a"
            disabled={act.isPending}
            onClick={() => go("acknowledge", {})}
          >
            Acknowledge <kbd>a</kbd>
          </button>
        )}
        {!closed && !mine && (
          <button type="button" data-key="m" disabled={act.isPending} onClick={() => go("assign", { owner: me.id })}>
            Assign to me <kbd>m</kbd>
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
      </div>
      {form === "notes" && (
        <TextForm
          label="Note"
          save="Save note"
          busy={act.isPending}
          onSave={(text) => go("notes", { text })}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "reopen" && (
        <TextForm
          label="Why it is opened again"
          save="Reopen"
          busy={act.isPending}
          onSave={(note) => go("reopen", { note })}
          onCancel={() => setForm(null)}
        />
      )}
      {form === "close" && (
        <CloseForm
          alert={alert}
          busy={act.isPending}
          onClose={(closing) => go("close", closing)}
          onCancel={() => setForm(null)}
        />
      )}
      <p role="alert" className="trouble">
        {act.isError ? words(act.error) : ""}
      </p>
    </div>
  );
}
