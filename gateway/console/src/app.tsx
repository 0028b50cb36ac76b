// Signed in or not, and which room.
import { useEffect, useRef, useState } from "preact/hooks";
import { Desk, isOperator } from "./hub/desk";
import { onSignedOut, type HubError } from "./hub/http";
import { problem } from "./hub/services";
import { currentSession, type Session } from "./hub/session";
import { AgreementNotices } from "./parts/agreement_notices";
import { Loading, Problem } from "./parts/basics";
import { Idle } from "./parts/idle";
import { roomsOf, Strip, Told } from "./parts/strip";
import { DeskContext, useDesk } from "./parts/use_desk";
import { Person } from "./person/person";
import { Approvals } from "./rooms/approvals";
import { Cases } from "./rooms/cases";
import { Exchange } from "./rooms/exchange";
import { Find } from "./rooms/find";
import { Liaison } from "./rooms/liaison";
import { Openings } from "./rooms/openings";
import { SignIn } from "./rooms/sign_in";
import { Wall } from "./rooms/wall";
import { Why } from "./rooms/why";
import { Today, todayTitle } from "./today/today";

type Who = "asking" | "nobody" | Session;

function useRoute(): string {
  const [route, setRoute] = useState(location.hash.slice(1) || "/");
  useEffect(() => {
    const go = () => setRoute(location.hash.slice(1) || "/");
    window.addEventListener("hashchange", go);
    return () => window.removeEventListener("hashchange", go);
  }, []);
  return route;
}

export function App() {
  const [who, setWho] = useState<Who>("asking");
  const [why, setWhy] = useState("");
  const [failure, setFailure] = useState<HubError | undefined>();
  const [desk, setDesk] = useState<Desk | undefined>();
  const route = useRoute();

  function begin(session: Session | undefined) {
    setFailure(undefined);
    if (!session) return setWho("nobody");
    setWhy("");
    setWho(session);
    setDesk((before) => {
      before?.stop();
      const fresh = new Desk(session);
      void fresh.start();
      return fresh;
    });
  }

  // The same session, with another purpose or another end.
  function changed(session: Session) {
    setWho(session);
    if (!desk) return;
    const purpose = desk.session.purpose;
    desk.session = session;
    // Another purpose shows other things: nothing of the old one stays.
    if (purpose !== session.purpose) begin(session);
    else desk.redraw();
  }

  function end(words: string) {
    setDesk((before) => {
      before?.stop();
      return undefined;
    });
    setWhy(words);
    setWho("nobody");
  }

  const ask = () => {
    currentSession().then(begin, (error) => setFailure(problem(error)));
  };
  useEffect(() => {
    onSignedOut(() => end("You have been signed out. What you had written is kept."));
    ask();
  }, []);

  if (failure) {
    return (
      <main class="cc-signin">
        <h1>Concordat</h1>
        <Problem what="Concordat does not answer. Use the telephone list." problem={failure} again={ask} />
      </main>
    );
  }
  if (who === "asking") return <Loading what="Concordat" />;
  if (who === "nobody" || !desk) return <SignIn why={why} signedIn={begin} />;
  return (
    <DeskContext.Provider value={desk}>
      <a class="ds_skip-links__link cc-skip" href="#main" onClick={toMain}>
        Skip to main content
      </a>
      <Strip route={route} changed={changed} signedOut={() => end("You are signed out.")} />
      <Idle
        session={who}
        changed={changed}
        ended={() =>
          end("You were signed out because nothing happened here for a while. What you had written is kept.")}
      />
      <main id="main" tabIndex={-1} class="cc-room">
        <Told />
        <AgreementNotices />
        <Room route={route} changed={changed} />
      </main>
      <footer class="cc-foot">
        <p>
          MAPPA is an arrangement. Each agency answers for what it shared. Everything that is looked
          at is recorded.
        </p>
      </footer>
    </DeskContext.Provider>
  );
}

function toMain(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Room({ route, changed }: { route: string; changed: (session: Session) => void }) {
  const desk = useDesk();
  const [path = "/", query = ""] = route.split("?");
  const first = useRef(true);
  const { room, title } = roomAt(desk, path, new URLSearchParams(query), changed);
  useEffect(() => {
    document.title = `${title} – Concordat`;
  }, [title]);
  // A reader who goes to another room begins at its head.
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    desk.announcement = "";
    desk.redraw();
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
  return room;
}

// Rooms that are not everybody's.
const kWhose: Record<string, string> = {
  cases: "for those who manage cases",
  liaison: "the MAPPA health liaison officer's: what a hospital sent is decided there",
  exchange: "the hub operator's",
  approvals: "for those whose agreement an act of two people needs",
  openings: "for those who review openings: the co-ordinator and the guardians of the agencies",
};

function roomAt(
  desk: Desk,
  path: string,
  query: URLSearchParams,
  changed: (session: Session) => void,
) {
  const [, name = "", about = ""] = path.split("/");
  if (isOperator(desk.session)) {
    if (name === "why") return { room: <Why sequence={about} />, title: "Why" };
    if (name === "wall") return { room: <Wall />, title: "Wall screen" };
    if (name === "approvals") return { room: <Approvals />, title: "Approvals" };
    return { room: <Exchange />, title: "Exchange" };
  }
  const whose = roomsOf(desk).some(([href]) => href === `#/${name}`) ? undefined : kWhose[name];
  if (whose) {
    return {
      room: (
        <>
          <h1>Not your room</h1>
          <p>
            This room is {whose}. <a href="#/">Go to Today</a>
          </p>
        </>
      ),
      title: "Not your room",
    };
  }
  switch (name) {
    case "":
      return { room: <Today />, title: todayTitle(desk) };
    case "person":
      return {
        room: <Person key={about} subject={about} from={query.get("from") ?? ""} changed={changed} />,
        title: "Person",
      };
    case "find":
      return { room: <Find />, title: "Find a person" };
    case "cases":
      return { room: <Cases />, title: "Cases" };
    case "liaison":
      return { room: <Liaison />, title: "Liaison list" };
    case "approvals":
      return { room: <Approvals />, title: "Approvals" };
    case "openings":
      return { room: <Openings />, title: "Openings without an interest" };
    case "why":
      return { room: <Why key={about} sequence={about} />, title: "Why" };
    case "wall":
      return { room: <Wall />, title: "Wall screen" };
    default:
      return {
        room: (
          <p>
            There is no such room. <a href="#/">Go to Today</a>
          </p>
        ),
        title: "Not found",
      };
  }
}
