/** Renders a component of the page in jsdom with what the app puts around it. */
import { MantineProvider } from "@mantine/core";
import type { Client } from "@logomesh/contracts/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterContextProvider, createMemoryHistory, createRootRoute, createRouter } from "@tanstack/react-router";
import { render, type RenderResult } from "@testing-library/react";
import type { ReactNode } from "react";
import { ApiContext } from "../lib/api.ts";

/** What Mantine needs and jsdom lacks. */
export function installBrowserStubs(): void {
  window.matchMedia = (query: string) =>
    ({
      matches: false,
      media: query,
      addEventListener: () => {},
      removeEventListener: () => {},
    }) as unknown as MediaQueryList;
  globalThis.ResizeObserver = class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
  Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });
  Element.prototype.scrollIntoView = () => {};
}

export interface RenderedPage extends RenderResult {
  cache: QueryClient;
  /** Addresses that the component went to. */
  visited: string[];
}

export function renderPage(page: ReactNode, api: Partial<Client> = {}): RenderedPage {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const history = createMemoryHistory({ initialEntries: ["/"] });
  const visited: string[] = [];
  history.subscribe(({ location }) => visited.push(location.href));
  const router = createRouter({ routeTree: createRootRoute(), history });
  const view = render(
    <MantineProvider env="test">
      <QueryClientProvider client={cache}>
        <ApiContext value={api as Client}>
          <RouterContextProvider router={router as never}>{page}</RouterContextProvider>
        </ApiContext>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, cache, visited };
}
