// The end of a session that nobody uses: seen 20 seconds before, put off with one key,
// and never at the cost of what was being written.
import { useEffect, useRef, useState } from "preact/hooks";
import { stay, type Session } from "../hub/session";

export const kWarningMs = 20_000;
// How often the gateway is told that somebody is at the page.
const kStayMs = 60_000;

const kActs = ["keydown", "pointerdown", "input", "scroll"] as const;

export function Idle(props: { session: Session; changed: (session: Session) => void; ended: () => void }) {
  const [left, setLeft] = useState<number | undefined>();
  const active = useRef(false);
  // Of this machine's clock, which need not be the hub's.
  const endsAt = useRef(0);

  useEffect(() => {
    endsAt.current = performance.now() + props.session.idleSeconds * 1_000;
  }, [props.session]);

  async function extend() {
    active.current = false;
    try {
      props.changed(await stay());
      setLeft(undefined);
    } catch {
      // It will be seen when the time is over.
    }
  }

  useEffect(() => {
    const act = () => {
      active.current = true;
    };
    for (const name of kActs) document.addEventListener(name, act, { passive: true, capture: true });
    const told = window.setInterval(() => {
      if (active.current) void extend();
    }, kStayMs);
    const tick = window.setInterval(() => {
      const ms = endsAt.current - performance.now();
      if (ms <= 0) props.ended();
      else setLeft(ms <= kWarningMs ? Math.ceil(ms / 1_000) : undefined);
    }, 1_000);
    return () => {
      for (const name of kActs) document.removeEventListener(name, act, { capture: true });
      window.clearInterval(told);
      window.clearInterval(tick);
    };
  }, []);

  if (left === undefined) return null;
  return (
    <div class="cc-idle" role="alert">
      <p>
        You will be signed out in less than {Math.max(left, 1) > 10 ? 20 : 10} seconds, because
        nothing happened here. What you have written is kept.
      </p>
      <button type="button" class="ds_button ds_button--small" onClick={extend}>
        Stay signed in
      </button>
    </div>
  );
}
