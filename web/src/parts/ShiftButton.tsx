// The way to the shift handover; it says when somebody hands over to me, whatever I am looking at.
import { useQuery } from "@tanstack/react-query";
import { offers } from "../api";

const REREAD_MS = 10_000; // offers are on no stream

interface Props {
  me: number;
  pressed: boolean;
  onPress(): void;
}

export function ShiftButton({ me, pressed, onPress }: Props) {
  const told = useQuery({
    queryKey: ["offers"],
    queryFn: ({ signal }) => offers(signal),
    refetchInterval: REREAD_MS,
  });
  const offered = told.data?.some((offer) => offer.to.id === me) ?? false;
  return (
    <button type="button" className={offered ? "primary" : ""} aria-pressed={pressed} onClick={onPress}>
      {offered ? "Handover offered to you" : "Handover"} <kbd>h</kbd>
    </button>
  );
}
