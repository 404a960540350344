import { createTheme, rem, type CSSVariablesResolver } from "@mantine/core";

/** Calm and dense: one accent, neutral surfaces, a 4-px grid, system fonts. */
export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 7 },
  defaultRadius: "sm",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: rem(12), sm: rem(13), md: rem(14), lg: rem(16), xl: rem(19) },
  spacing: { xs: rem(4), sm: rem(8), md: rem(12), lg: rem(16), xl: rem(24) },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: rem(20), lineHeight: "1.3" },
      h2: { fontSize: rem(16), lineHeight: "1.35" },
      h3: { fontSize: rem(14), lineHeight: "1.4" },
    },
  },
  respectReducedMotion: true,
  cursorType: "pointer",
  components: { Badge: { defaultProps: { tt: "none", fw: 500 } } },
});

/** Mantine's dimmed text is below AA contrast; these are not. */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#545c66",
    "--mantine-color-placeholder": "#6a727c",
    "--mantine-color-body": "#ffffff",
    "--mantine-color-anchor": "#3b5bdb",
  },
  dark: {
    "--mantine-color-dimmed": "#a3a8b0",
    "--mantine-color-placeholder": "#8f959e",
    "--mantine-color-body": "#17191c",
    "--mantine-color-anchor": "#91a7ff",
  },
});
