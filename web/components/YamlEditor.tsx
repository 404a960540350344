import { yaml } from "@codemirror/lang-yaml";
import { CodeEditor, type CodeEditorProps } from "./CodeEditor.tsx";

const YAML = yaml();

export function YamlEditor(props: Omit<CodeEditorProps, "language">) {
  return <CodeEditor language={YAML} {...props} />;
}
