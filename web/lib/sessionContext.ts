import { createContext, useContext } from "react";

export interface SessionActions {
  /** Revokes the token at the workbench and forgets it here. */
  logout: () => Promise<void>;
}

export const SessionContext = createContext<SessionActions>({ logout: () => Promise.resolve() });

export function useSessionActions(): SessionActions {
  return useContext(SessionContext);
}
