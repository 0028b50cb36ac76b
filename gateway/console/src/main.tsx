import "@scottish-government/design-system/dist/css/design-system.min.css";
import { render } from "preact";
import { App } from "./app";
import "./styles/console.css";

render(<App />, document.getElementById("page")!);
