// Above every room: that an agreement ends soon, or since when nothing is shared, in the
// hub's own words, with a number that can be rung.
import { agreementNotices } from "../today/sources";
import { useDesk } from "./use_desk";

// As they are written here: "01632 960100", "0131 496 0000".
const kTelephone = /\b(0\d{2,4} \d{3,4} ?\d{3,4})\b/;

export function withTelephone(words: string) {
  // Every second piece is a number.
  return words.split(kTelephone).map((piece, index) =>
    index % 2 === 1 ? (
      <a key={index} href={`tel:${piece.replaceAll(" ", "")}`}>
        {piece}
      </a>
    ) : (
      piece
    ));
}

export function AgreementNotices() {
  const desk = useDesk();
  const notices = agreementNotices(desk.agreements);
  if (notices.length === 0) return null;
  return (
    <section class="cc-notices" aria-label="Agreements">
      {notices.map(({ words, ended }) => (
        <p key={words} class={ended ? "cc-problem" : "cc-blind"}>
          <strong>{ended ? "An agreement has ended." : "An agreement ends soon."}</strong> {withTelephone(words)}
        </p>
      ))}
    </section>
  );
}
