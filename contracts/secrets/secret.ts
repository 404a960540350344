import { z } from "zod";

/** As environment variables are called, so that a plugin can be granted one under its name. */
export const SecretNameSchema = z
  .string()
  .max(100)
  .regex(/^[A-Z_][A-Z0-9_]*$/, "write A-Z, 0-9 and _, like API_KEY");

/** What is told of a secret: never its value. */
export const SecretSchema = z.object({ name: z.string(), updatedAt: z.iso.datetime() });
export type Secret = z.infer<typeof SecretSchema>;

export const PutSecretParamsSchema = z.strictObject({ value: z.string().min(1).max(32_768) });
