// Find a person: by a whole number, or by name. Nobody found says nothing about
// whether somebody is known to others.
import { useState } from "preact/hooks";
import type { FindPeopleResponse } from "../../gen/concordat/identity/v1/service_pb";
import { identity } from "../hub/services";
import { Form, type Values } from "../parts/form";
import { bornWords, personName, standingWords } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { codes } from "../words/codes";
import { count } from "../parts/basics";

const kSchemes: [string, string][] = Object.entries(codes["identifier-scheme"]);

function request(values: Values) {
  if (values.by === "number") {
    return { identifier: { scheme: values.scheme!, value: values.number!.trim() } };
  }
  return {
    familyName: values.family!.trim(), givenName: values.given?.trim() ?? "",
    birthDate: values.born ?? "",
  };
}

export function Find() {
  const desk = useDesk();
  const [found, setFound] = useState<FindPeopleResponse | undefined>();
  const byNumber = (values: Values) => values.by === "number";
  const byName = (values: Values) => values.by !== "number";
  return (
    <>
      <h1>Find a person</h1>
      <p>Only people whom your agency has to do with are found. Each one shown is recorded.</p>
      <Form
        id="find"
        title="Find a person"
        calm
        fields={[
          {
            name: "by", label: "Find by", kind: "radios", value: "name",
            options: [["name", "Name"], ["number", "Number"]],
          },
          { name: "family", label: "Family name", kind: "line", hint: "The whole name.", needed: "Enter the family name", when: byName },
          {
            name: "given", label: "Given name", kind: "line", hint: "Or its beginning. This or the date of birth is needed.", when: byName,
            needed: (values) => (values.born ? undefined : "Enter the given name or the date of birth"),
          },
          { name: "born", label: "Date of birth", kind: "date", when: byName },
          { name: "scheme", label: "Which number?", kind: "select", options: kSchemes, needed: "Choose which number it is", when: byNumber },
          { name: "number", label: "Number", kind: "line", hint: "The whole number.", needed: "Enter the number", when: byNumber },
        ]}
        submit="Find"
        run={async (values) => {
          // What was found before is no answer to this.
          setFound(undefined);
          desk.announcement = "";
          const answer = await identity.findPeople(request(values));
          for (const person of answer.people) desk.people.set(person.subject, person);
          setFound(answer);
          desk.announcement = answer.people.length
            ? `${count(answer.people.length, "person", "people")} found.`
            : "Nobody found.";
          desk.redraw();
        }}
      />
      {found && found.people.length === 0 && (
        <p class="cc-nothing">
          Nobody found whom your agency has to do with. Check the spelling, or ring the agency that
          may know.
        </p>
      )}
      {found && found.people.length > 0 && (
        <ul class="cc-lines">
          {found.people.map((person) => (
            <li class="cc-line" key={person.subject}>
              <p>
                <a href={`#/person/${person.subject}`}>{personName(desk, person.subject)}</a>
                {bornWords(desk, person.subject) && `, ${bornWords(desk, person.subject)}`}
                {person.localsubject && `, your reference ${person.localsubject}`}
                {standingWords(desk, person.subject) && `. ${standingWords(desk, person.subject)}`}
                {person.inDoubt && ". Identity in doubt"}
              </p>
            </li>
          ))}
        </ul>
      )}
      {found?.more && <p class="cc-flag">There are more. Add a given name or a date of birth.</p>}
    </>
  );
}
