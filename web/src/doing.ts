// What the buttons and forms of a page do: one thing at a time, its refusal shown at once, and what it changed read again.
import { useMutation, useQueryClient } from "@tanstack/react-query";

export type Act = (doing: () => Promise<unknown>) => void;

/** ``read``: keys of what is read again afterwards. */
export function useDoing(...read: readonly string[]) {
  const queries = useQueryClient();
  const again = () => Promise.all(read.map((key) => queries.invalidateQueries({ queryKey: [key] })));
  return useMutation({
    mutationFn: (doing: () => Promise<unknown>) => doing(),
    onSuccess: again, // until then the button stands there, and would be refused if it were pressed again
    onError: () => void again(),
  });
}
