// The way to what waits for a second person; it says how much of it I could decide.
import { useWaiting } from "./Changes";

interface Props {
  me: number;
  pressed: boolean;
  onPress(): void;
}

export function ChangesButton({ me, pressed, onPress }: Props) {
  const waiting = useWaiting();
  const count =
    (waiting.data?.orders.filter((one) => one.proposed_by?.id !== me).length ?? 0) +
    (waiting.data?.others.filter((one) => one.requested_by.id !== me).length ?? 0);
  return (
    <button type="button" aria-pressed={pressed} onClick={onPress}>
      Approvals{count > 0 && ` ${count}`} <kbd>v</kbd>
    </button>
  );
}
