/** The typed client of the workbench that serves this page, handed down by context so that tests pass their own. */
import type { Client } from "@logomesh/contracts/client";
import { createContext, useContext } from "react";

export const ApiContext = createContext<Client | undefined>(undefined);

export function useApi(): Client {
  const client = useContext(ApiContext);
  if (client === undefined) throw new Error("useApi: no ApiContext above this component");
  return client;
}
