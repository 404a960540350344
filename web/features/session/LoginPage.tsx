import { Alert, Button, Center, Code, Paper, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState } from "react";
import { ProblemAlert } from "../../components/States.tsx";
import { codeOfPasted } from "./codeOfPasted.ts";

interface LoginPageProps {
  /** Why the last code was refused. */
  error: unknown;
  busy: boolean;
  hasExpired: boolean;
  onCode: (code: string) => void;
}

/** Nobody is logged in: say how to get in. */
export function LoginPage({ error, busy, hasExpired, onCode }: LoginPageProps) {
  const [pasted, setPasted] = useState("");
  const code = codeOfPasted(pasted);
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" maw={460} w="100%">
        <Stack gap="md">
          <Title order={1}>You are not logged in</Title>
          {hasExpired ? (
            <Alert color="yellow" variant="light" styles={{ message: { color: "var(--mantine-color-text)" } }}>
              Your session has ended. Log in again to go on.
            </Alert>
          ) : null}
          <Text>
            Run <Code>script/logomesh login</Code> in the folder of LogoMesh and open the link it prints. The link works
            once, for ten minutes.
          </Text>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (code !== undefined) onCode(code);
            }}
          >
            <Stack gap="sm">
              <TextInput
                label="Or paste the link or its code here"
                value={pasted}
                onChange={(event) => setPasted(event.currentTarget.value)}
                autoComplete="off"
                spellCheck={false}
              />
              <Button type="submit" loading={busy} disabled={code === undefined}>
                Log in
              </Button>
            </Stack>
          </form>
          {error === undefined ? null : <ProblemAlert error={error} />}
        </Stack>
      </Paper>
    </Center>
  );
}
