import { ActionIcon, AppShell, Burger, Group, NavLink, Text, Tooltip } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import {
  IconChecklist,
  IconHome,
  IconGavel,
  IconPlug,
  IconPlayerPlay,
  IconSearch,
  IconShieldCheck,
  IconSitemap,
} from "@tabler/icons-react";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { LoadingRows } from "../components/States.tsx";
import { useKeys } from "../lib/keys.ts";
import { Lights } from "./Lights.tsx";
import { LockdownBanner } from "./LockdownBanner.tsx";
import { PendingBadge } from "./PendingBadge.tsx";
import classes from "./Shell.module.css";

// Not needed for the first sight of a page.
const Palette = lazy(async () => ({ default: (await import("./Palette.tsx")).Palette }));
const ShortcutsModal = lazy(async () => ({ default: (await import("./ShortcutsModal.tsx")).ShortcutsModal }));
const LockdownModal = lazy(async () => ({ default: (await import("./LockdownModal.tsx")).LockdownModal }));
const UserMenu = lazy(async () => ({ default: (await import("./UserMenu.tsx")).UserMenu }));

const PAGES = [
  { to: "/", label: "Home", icon: IconHome, key: "h" },
  { to: "/runs", label: "Runs", icon: IconPlayerPlay, key: "r" },
  { to: "/workflows", label: "Workflows", icon: IconSitemap, key: "w" },
  { to: "/plugins", label: "Plugins", icon: IconPlug, key: "p" },
  { to: "/approvals", label: "Approvals", icon: IconChecklist, key: "i" },
  { to: "/policy", label: "Constitution", icon: IconGavel, key: "c" },
  { to: "/audit", label: "Audit", icon: IconShieldCheck, key: "a" },
] as const;

/** On a narrow screen the bar has room for two lights; the others stand below the pages. */
const NARROW_LIGHTS = ["model", "connection"] as const;
const RAIL_LIGHTS = ["sandbox", "log"] as const;
const GO_KEY_MS = 1500;

export function Shell() {
  const { pathname } = useLocation();
  const isNarrow = useMediaQuery("(max-width: 48em)");
  const [isMenuOpen, menu] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const [isLocking, locking] = useDisclosure(false);
  const [paletteAsked, setPaletteAsked] = useState(0);
  const askPalette = (): void => setPaletteAsked((count) => count + 1);
  usePageKeys(help.open);
  usePaletteKey(askPalette);

  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 168, breakpoint: "sm", collapsed: { mobile: !isMenuOpen } }}
      padding={0}
      transitionDuration={0}
    >
      <AppShell.Header className={classes["bar"]}>
        <a className="lm-skip" href="#content">
          Skip to content
        </a>
        <Group h="100%" px="md" gap="md" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isMenuOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Text component={Link} to="/" fw={650} className={classes["brand"]}>
              LogoMesh
            </Text>
          </Group>
          {isNarrow ? <Lights place="bar" only={NARROW_LIGHTS} /> : <Lights place="bar" />}
          <Group gap="xs" wrap="nowrap">
            <Tooltip label="Go anywhere (Ctrl K)">
              <ActionIcon variant="subtle" color="gray" aria-label="Command palette" onClick={askPalette}>
                <IconSearch size={18} />
              </ActionIcon>
            </Tooltip>
            <Suspense fallback={<span className={classes["menuSpace"]} />}>
              <UserMenu onShortcuts={help.open} onLockdown={locking.open} />
            </Suspense>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className={classes["rail"]} aria-label="Pages">
        {PAGES.map(({ to, label, icon: Icon }) => {
          const isActive = to === "/" ? pathname === "/" : pathname === to || pathname.startsWith(`${to}/`);
          return (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              {...(to === "/approvals" ? { rightSection: <PendingBadge /> } : {})}
              leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
              active={isActive}
              variant="subtle"
              className={classes["link"] ?? ""}
              onClick={menu.close}
              {...(isActive ? { "aria-current": "page" as const } : {})}
            />
          );
        })}
        {isNarrow ? (
          <div className={classes["railLights"]}>
            <Lights place="rail" only={RAIL_LIGHTS} />
          </div>
        ) : null}
      </AppShell.Navbar>
      <AppShell.Main id="content" className={classes["main"]}>
        <LockdownBanner />
        <Suspense fallback={<LoadingRows />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      {isHelpOpen ? (
        <Suspense fallback={null}>
          <ShortcutsModal opened onClose={help.close} />
        </Suspense>
      ) : null}
      {isLocking ? (
        <Suspense fallback={null}>
          <LockdownModal opened onClose={locking.close} />
        </Suspense>
      ) : null}
      {paletteAsked === 0 ? null : (
        <Suspense fallback={null}>
          <Palette asked={paletteAsked} />
        </Suspense>
      )}
    </AppShell>
  );
}

/** `?` for help, `g` and a letter for a page. */
function usePageKeys(openHelp: () => void): void {
  const navigate = useNavigate();
  const goPressedAt = useRef(0);
  const go = (key: string) => (event: KeyboardEvent) => {
    const page = PAGES.find((candidate) => candidate.key === key);
    if (page === undefined || event.timeStamp - goPressedAt.current > GO_KEY_MS) return false;
    goPressedAt.current = 0;
    void navigate({ to: page.to });
    return true;
  };
  useKeys({
    "?": openHelp,
    g: (event) => (goPressedAt.current = event.timeStamp),
    ...Object.fromEntries(PAGES.map(({ key }) => [key, go(key)])),
  });
}

function usePaletteKey(askPalette: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      askPalette();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
}
