import "./strictCsp.ts";
import "./app.css";
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createSessionStore } from "../lib/session.ts";
import { App } from "./App.tsx";
import { resolveVariables, theme } from "./theme.ts";

const root = document.querySelector("#root");
if (root === null) throw new Error("index.html has no #root");

const store = createSessionStore(window.localStorage, Date.now);

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={resolveVariables} defaultColorScheme="auto">
      <App store={store} baseUrl={window.location.origin} />
    </MantineProvider>
  </StrictMode>,
);
