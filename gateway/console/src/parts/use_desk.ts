import { createContext } from "preact";
import { useContext, useEffect, useReducer } from "preact/hooks";
import type { Desk } from "../hub/desk";

export const DeskContext = createContext<Desk | undefined>(undefined);

// The desk of who is signed in; whoever uses it is drawn again when it changes.
export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("a room outside a session");
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => desk.subscribe(() => draw(undefined)), [desk]);
  return desk;
}
