import { ActionIcon, Menu, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import {
  IconDeviceDesktop,
  IconDotsVertical,
  IconKeyboard,
  IconLock,
  IconLogout,
  IconMoon,
  IconSun,
  type Icon,
} from "@tabler/icons-react";
import { useSessionActions } from "../lib/sessionContext.ts";

const SCHEMES: { value: MantineColorScheme; label: string; icon: Icon }[] = [
  { value: "auto", label: "As the system", icon: IconDeviceDesktop },
  { value: "light", label: "Light", icon: IconSun },
  { value: "dark", label: "Dark", icon: IconMoon },
];

export function UserMenu({ onShortcuts, onLockdown }: { onShortcuts: () => void; onLockdown: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { logout } = useSessionActions();
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label="Appearance and session">
          <IconDotsVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Appearance</Menu.Label>
        {SCHEMES.map(({ value, label, icon: SchemeIcon }) => (
          <Menu.Item
            key={value}
            leftSection={<SchemeIcon size={16} aria-hidden />}
            onClick={() => setColorScheme(value)}
            fw={value === colorScheme ? 600 : 400}
            rightSection={value === colorScheme ? "✓" : null}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onShortcuts}>
          Keyboard shortcuts
        </Menu.Item>
        <Menu.Item leftSection={<IconLock size={16} aria-hidden />} onClick={onLockdown}>
          Lock down…
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void logout()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
