import { Checkbox, Select, TextInput, Textarea } from "@mantine/core";
import { JsonField } from "../../components/JsonField.tsx";
import type { FormField } from "./inputForm.ts";

interface InputFieldProps {
  field: FormField;
  value: string | boolean;
  fault: string | undefined;
  onChange: (value: string | boolean) => void;
}

export function InputField({ field, value, fault, onChange }: InputFieldProps) {
  const text = typeof value === "string" ? value : "";
  const common = {
    label: field.label,
    description: field.description,
    error: fault ?? null,
    withAsterisk: field.required,
  };
  switch (field.kind) {
    case "boolean":
      return (
        <Checkbox
          label={field.label}
          description={field.description}
          error={fault ?? null}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...common}
          data={field.choices}
          value={text === "" ? null : text}
          onChange={(next) => onChange(next ?? "")}
        />
      );
    case "text":
      return (
        <Textarea
          {...common}
          autosize
          minRows={5}
          maxRows={16}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case "json":
      return (
        <JsonField
          {...common}
          description={`${field.description ?? ""} As JSON.`.trim()}
          minRows={2}
          maxRows={10}
          value={text}
          onChange={onChange}
        />
      );
    case "number":
    case "line":
      return (
        <TextInput
          {...common}
          inputMode={field.kind === "number" ? "decimal" : "text"}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}
