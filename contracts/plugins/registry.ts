import { z } from "zod";
import { PluginManifestSchema } from "./pluginManifest.ts";

const { id, name, description } = PluginManifestSchema.shape;

/** One plugin of a registry index. Ratings and counts are the registry's, not the plugin's word. */
export const RegistryEntrySchema = z.object({
  id,
  name,
  description,
  /** Newest first. `source` is a folder, .tgz or .mcpb, relative to the index. */
  versions: z.array(z.object({ version: z.string(), source: z.string().min(1), sha256: z.string().optional() })).min(1),
  keywords: z.array(z.string()).default([]),
  author: z.string().optional(),
  license: z.string().optional(),
  /** Mean of one to five stars, and how many gave them. */
  rating: z.object({ mean: z.number().min(1).max(5), count: z.int().min(1) }).optional(),
  installs: z.int().min(0).default(0),
});
export type RegistryEntry = z.infer<typeof RegistryEntrySchema>;

/** `registry.json`, version 1. */
export const RegistrySchema = z.object({ version: z.literal(1), plugins: z.array(RegistryEntrySchema).max(10_000) });
