import { z } from "zod";
import { PageQuerySchema } from "../api/page.ts";
import { JsonObjectSchema } from "../json.ts";

/**
 * A CloudEvent in structured mode. `source` is said by the workbench, from the token that asks; an `id` that is left out is made.
 * Other members are extension attributes: texts, booleans or integers under names of a-z and 0-9.
 */
export const PublishEventParamsSchema = z
  .object({
    specversion: z.literal("1.0").optional(),
    type: z.string().min(1).max(200),
    id: z.string().min(1).max(200).optional(),
    source: z.string().max(500).optional(),
    subject: z.string().max(500).optional(),
    time: z.iso.datetime({ offset: true }).optional(),
    datacontenttype: z
      .string()
      .regex(/^application\/([\w.-]+\+)?json(;|$)/, "data is JSON; bytes go into a blob")
      .optional(),
    data: z.json().optional(),
  })
  .catchall(z.json());
export type PublishEventParams = z.infer<typeof PublishEventParamsSchema>;

/** An event as it is kept. */
export const StoredEventSchema = z.object({
  /** Place in the one order of all events of the workspace. */
  position: z.int().min(1),
  /** The only run that hears it: a signal. */
  runId: z.string().optional(),
  /** The envelope as CloudEvents writes it in JSON. */
  event: z
    .looseObject({ id: z.string(), source: z.string(), type: z.string(), time: z.string() })
    .and(JsonObjectSchema),
});
export type StoredEvent = z.infer<typeof StoredEventSchema>;

export const EventQuerySchema = PageQuerySchema.extend({
  /** Of exactly this type. */
  type: z.string().max(200).optional(),
});
export type EventQuery = z.infer<typeof EventQuerySchema>;
