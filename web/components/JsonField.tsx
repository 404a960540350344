import { Textarea, type TextareaProps } from "@mantine/core";

interface JsonFieldProps extends Omit<TextareaProps, "onChange" | "styles"> {
  onChange: (value: string) => void;
}

/** JSON as text; whoever reads it says what is wrong with it. */
export function JsonField({ onChange, ...props }: JsonFieldProps) {
  return (
    <Textarea
      {...props}
      autosize
      spellCheck={false}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
