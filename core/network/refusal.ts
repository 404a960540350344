import { LogoMeshError } from "@logomesh/contracts";

export function refusal(detail: string): LogoMeshError {
  return new LogoMeshError("LM_NET_REFUSED", detail);
}

export function failure(detail: string, cause?: unknown): LogoMeshError {
  return new LogoMeshError("LM_NET_FAILED", detail, cause === undefined ? {} : { cause });
}
