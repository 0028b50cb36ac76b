// Who is there: a form that takes pasted passwords and password managers, and the
// agency's own sign-in when there is one.
import { useEffect, useState } from "preact/hooks";
import type { HubError } from "../hub/http";
import { problem } from "../hub/services";
import { signIn, signInOptions, type Session, type SignInOptions } from "../hub/session";
import { Loading, Problem } from "../parts/basics";
import { Form } from "../parts/form";
import { Environment } from "../parts/strip";

export function SignIn(props: { why: string; signedIn: (session: Session) => void }) {
  const [options, setOptions] = useState<SignInOptions | undefined>();
  const [failure, setFailure] = useState<HubError | undefined>();
  const load = () => {
    setFailure(undefined);
    signInOptions().then(setOptions, (error) => setFailure(problem(error)));
  };
  useEffect(load, []);
  useEffect(() => {
    document.title = "Sign in – Concordat";
  }, []);
  return (
    <div class="cc-signin">
      <header>{options && <Environment name={options.environment} />}</header>
      <main id="main" tabIndex={-1}>
        <h1>Sign in to Concordat</h1>
        {props.why && (
          <p class="cc-note" role="status">
            {props.why}
          </p>
        )}
        {failure && <Problem what="You cannot sign in now." problem={failure} again={load} />}
        {!options && !failure && <Loading what="the ways to sign in" />}
        {options?.oidc && (
          <p>
            <a class="ds_button" href="/sign-in/oidc" role="button">
              Sign in with {options.oidc.name}
            </a>
          </p>
        )}
        {options?.oidc && options.local && <p>or</p>}
        {options?.local && (
          <Form
            id="sign-in"
            title="With an account of this hub"
            calm
            fields={[
              {
                name: "account", label: "Account", kind: "line", autocomplete: "username",
                needed: "Enter your account",
              },
              {
                name: "password", label: "Password", kind: "password",
                autocomplete: "current-password", needed: "Enter your password",
              },
            ]}
            submit="Sign in"
            run={async (values) => props.signedIn(await signIn(values.account!.trim(), values.password!))}
          />
        )}
        <p class="cc-small">
          Everything that is looked at here is recorded with your name and your purpose.
        </p>
      </main>
    </div>
  );
}
