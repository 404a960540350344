import { rmSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type GrantPluginParams, type JsonObject, type Plugin } from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { AuditLog, PluginStore } from "../ports/index.ts";
import { openBundle, replaceFolder, type BundleSource } from "./bundleFolders.ts";
import { pluginEntry } from "./callMeta.ts";
import type { ChangeFeed } from "./changeFeed.ts";
import { engineMismatch } from "./engines.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { pinnedError, requiredError } from "./obstacles.ts";
import { nameOf, type HostCaller, type PluginGrants } from "./pluginGrants.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";
import type { PinnedVersions } from "./pinnedVersions.ts";
import type { PluginSet } from "./pluginSet.ts";
import { ArchiveReceiver, type SentArchive } from "./receiveArchive.ts";
import { removeTree } from "./removeTree.ts";
import { assertSettings } from "./store/describeSettings.ts";
import type { PluginPins, PluginSettings, PrivateFolders } from "./store/index.ts";
import { swapPlugin } from "./swapPlugin.ts";

export interface PluginInstallerOptions {
  set: PluginSet;
  grants: PluginGrants;
  settings: PluginSettings;
  pins: PluginPins;
  pinned: PinnedVersions;
  feed: ChangeFeed;
  audit: AuditLog;
  store: PluginStore;
  privateFolders: PrivateFolders;
  pluginsFolder: string;
  dataFolder: string;
  stagingFolder: string;
  /** Of the workbench. */
  version: string;
}

/** What puts another content or another process in the place of a plugin: installing, removing, reloading, developing. One after the other. */
export class PluginInstaller {
  readonly #options: PluginInstallerOptions;
  readonly #receiver: ArchiveReceiver;
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: PluginInstallerOptions) {
    this.#options = options;
    this.#receiver = new ArchiveReceiver(options.stagingFolder);
  }

  /** Another content of a plugin that is granted waits for its grant; until then the granted one serves. */
  install(source: BundleSource, caller: HostCaller): Promise<Plugin> {
    return this.#change(async () => {
      const { set, feed, stagingFolder, pluginsFolder, audit } = this.#options;
      using bundle = await openBundle(source, stagingFolder);
      const manifest = readManifest(bundle.folder);
      assertEntryPoint(bundle.folder, manifest);
      const { id, version } = manifest;
      const mismatch = engineMismatch(manifest, this.#options.version);
      if (mismatch !== undefined)
        throw new LogoMeshError("LM_PLUGIN_INCOMPATIBLE", `${id} ${version} ${mismatch} Nothing was installed.`);
      const problem = set.invalidOf(id)?.problem;
      if (problem?.code === "LM_PLUGIN_DUPLICATE") throw LogoMeshError.fromProblem(problem);
      const { sha256, folder } = set.stage(id, bundle.folder);
      const there = set.get(id);
      if (there?.sha256 === sha256 && there.waiting === undefined) return there.describe();
      const from = there === undefined ? {} : { fromVersion: there.manifest.version, fromSha256: there.sha256 };
      await audit.append({
        ...pluginEntry("plugin.installed", { actor: caller.actor, pluginId: id }),
        data: { version, sha256, origin: bundle.origin, ...from },
      });
      replaceFolder(folder, set.folderOf(id) ?? join(pluginsFolder, id));
      set.discover();
      feed.changed(id);
      return set.find(id).describe();
    });
  }

  /** The same of an archive that is sent; others are installed while it comes. */
  async installSent(sent: SentArchive, caller: HostCaller): Promise<Plugin> {
    await using archive = await this.#receiver.receive(sent);
    return await this.install({ path: archive.path, origin: sent.name }, caller);
  }

  /** Leaves nothing but what the log says. @throws LogoMeshError LM_PLUGIN_REQUIRED unless `force` */
  uninstall(pluginId: string, { force, caller }: { force: boolean; caller: HostCaller }): Promise<void> {
    return this.#change(async () => {
      const { set, grants, feed, store, settings, pinned, privateFolders, dataFolder } = this.#options;
      const plugin = set.get(pluginId);
      const folder = set.folderOf(pluginId);
      // A grant without a folder is what a development leaves.
      if (folder === undefined && grants.of(pluginId) === undefined) set.find(pluginId);
      const dependents = set.obstacles.dependentsOf(pluginId);
      if (dependents.length > 0 && !force) throw requiredError(pluginId, dependents);
      const runs = pinned.runsOf(pluginId);
      if (runs > 0 && !force) throw pinnedError(pluginId, runs);
      await Promise.all(
        dependents.flatMap((id) => set.get(id)?.unload(`${pluginId}, which it needs, is being uninstalled`) ?? []),
      );
      await grants.revoke(pluginId, caller);
      const plugins = [...(plugin === undefined ? [] : [plugin]), ...pinned.ofPlugin(pluginId)];
      await Promise.all(plugins.map((each) => each.stop("it was uninstalled")));
      const last = plugin?.describe();
      const version = plugin === undefined ? {} : { version: plugin.manifest.version, sha256: plugin.sha256 };
      await store.clear(pluginId);
      await settings.forget(pluginId, {
        ...pluginEntry("plugin.uninstalled", { actor: caller.actor, pluginId }),
        data: version,
      });
      privateFolders.forget(pluginId);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      set.removeCopies(pluginId);
      await removeTree(join(dataFolder, pluginId));
      set.forget(pluginId);
      if (last !== undefined)
        feed.removed({
          ...last,
          ...{ state: "stopped", stateReason: "It was uninstalled.", granted: false, tools: [] },
        });
    });
  }

  /** What it kept is gone, or with `why` private no more, before another process of it starts: one that knows it has ended then. */
  forgetPrivateData(pluginId: string, { why, caller }: { why?: string; caller: HostCaller }): Promise<void> {
    return this.#change(async () => {
      const { set, store, audit, feed, privateFolders, dataFolder } = this.#options;
      const plugin = set.find(pluginId);
      const { values = 0, blobs = 0, folder = false } = plugin.describe().privateData ?? {};
      const kind = why === undefined ? "plugin.private-forgotten" : "plugin.declassified";
      const data = { values, blobs, folder, ...(why === undefined ? {} : { why }) };
      const together = [
        { name: "plugins.unmarkFolder", params: { pluginId } },
        audit.command({ ...pluginEntry(kind, { actor: caller.actor, pluginId }), data }),
      ];
      await plugin.whileStopped(
        why === undefined ? "what it kept was deleted" : "what it kept was declassified",
        async () => {
          if (why !== undefined) await store.declassify(pluginId, { together });
          else {
            if (folder) await removeTree(join(dataFolder, pluginId));
            await store.forgetPrivate(pluginId, { together });
          }
          privateFolders.forget(pluginId);
        },
      );
      feed.changed(pluginId);
    });
  }

  /** A plugin that runs is told in a fresh process. Values are kept out of the log: some are secrets. */
  setSettings(pluginId: string, { settings, caller }: { settings: JsonObject; caller: HostCaller }): Promise<void> {
    return this.#change(async () => {
      const plugin = this.#options.set.find(pluginId);
      assertSettings(plugin.manifest, settings);
      const entry = pluginEntry("plugin.settings", { actor: caller.actor, pluginId });
      const names = Object.keys(settings).sort();
      await this.#options.settings.set(pluginId, { settings }, { ...entry, data: { names } });
      if (plugin.isRunning) await this.#swap(pluginId, { caller, next: () => this.#options.set.freshOf(pluginId) });
      this.#options.feed.changed(pluginId);
    });
  }

  /** A person grants what waits: it takes the place of what serves, without a failed call. @throws LogoMeshError why it cannot start; the old one serves on */
  grantWaiting(pluginId: string, params: GrantPluginParams & { caller: HostCaller }): Promise<void> {
    const { set, grants } = this.#options;
    return this.#change(async () => {
      const waiting = set.find(pluginId).waiting;
      if (waiting === undefined) return grants.grant(set.find(pluginId), params);
      const { caller } = params;
      await this.#swap(pluginId, { caller, next: () => waiting, approve: () => grants.grant(waiting, params) });
    });
  }

  /** Nothing of it is granted any more: the next to be granted is what its folder holds. */
  async revoke(pluginId: string, caller: HostCaller): Promise<void> {
    const { set, grants, pins, pinned } = this.#options;
    await grants.revoke(pluginId, caller);
    // No run may go on with what was taken back.
    await pins.forget(pluginId);
    const plugins = [set.find(pluginId), ...pinned.ofPlugin(pluginId)];
    await Promise.all(plugins.map((plugin) => plugin.stop("its grant was taken back")));
    if (set.find(pluginId).waiting !== undefined) set.readAgain(pluginId);
  }

  /** Serves what its folder holds now, in a fresh process, without a failed call. What has to be granted first waits. @throws LogoMeshError why it cannot; the old one serves on */
  reload(pluginId: string, caller: HostCaller): Promise<Plugin> {
    return this.#change(async () => {
      const { set, audit } = this.#options;
      set.find(pluginId);
      await audit.append(pluginEntry("plugin.reload", { actor: caller.actor, pluginId }));
      await this.#swap(pluginId, {
        caller,
        next: () => {
          if (set.isDevelopment(pluginId)) return set.nextOf(pluginId);
          return set.readAgain(pluginId) ? undefined : set.freshOf(pluginId);
        },
      });
      return set.find(pluginId).describe();
    });
  }

  /** Serves a folder in which a plugin is being written; again after each change. Grants carry over while it asks for the same. */
  serveDevelopment(folder: string, caller: HostCaller): Promise<Plugin> {
    return this.#change(async () => {
      const { set, audit, feed } = this.#options;
      const known = set.developedIn(folder);
      const { id } = this.#readServed(known, folder);
      if (known !== undefined && known !== id) await this.#endDevelopment(known);
      if (known !== id) {
        const entry = pluginEntry("plugin.development", { actor: caller.actor, pluginId: id });
        await audit.append({ ...entry, data: { folder } });
      }
      set.beginDevelopment(id, folder);
      if (set.get(id) === undefined) set.add(id);
      else await this.#swap(id, { caller, next: () => set.nextOf(id) });
      feed.changed(id);
      return set.find(id).describe();
    });
  }

  /** What is installed under this id serves again, when there is one, with the grant that it had. */
  endDevelopment(pluginId: string): Promise<void> {
    return this.#change(() => this.#endDevelopment(pluginId));
  }

  async #endDevelopment(id: string): Promise<void> {
    const { set, grants, feed } = this.#options;
    await set.endDevelopment(id, (grant) => grants.put(grant));
    feed.changed(id);
  }

  /** `next` may find that nothing takes the place. */
  async #swap(
    id: string,
    {
      caller,
      next: findNext,
      approve,
    }: { caller: HostCaller; next: () => InstalledPlugin | undefined; approve?: () => Promise<void> },
  ): Promise<void> {
    const { set, grants, feed } = this.#options;
    try {
      const next = findNext();
      if (next !== undefined) {
        const old = set.find(id);
        using _swap = set.prepareSwap(old, next);
        await swapPlugin({
          ...{ old, next, grants },
          place: (placed) => {
            set.place(id, placed);
            feed.changed(id);
          },
          ...(approve === undefined ? {} : { approve }),
          developer: set.isDevelopment(id) ? nameOf(caller) : undefined,
        });
        set.prune(id);
      }
    } catch (error) {
      set.find(id).problem = toLogoMeshError(error);
      throw error;
    } finally {
      feed.changed(id);
    }
  }

  /** The id in the folder's manifest; a manifest that broke is a problem of the plugin that it was. */
  #readServed(known: string | undefined, folder: string): { id: string } {
    const { set, feed } = this.#options;
    try {
      return readManifest(folder);
    } catch (error) {
      const plugin = known === undefined ? undefined : set.get(known);
      if (plugin !== undefined && known !== undefined) {
        plugin.problem = toLogoMeshError(error);
        feed.changed(known);
      }
      throw error;
    }
  }

  async #change<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => undefined);
    return done;
  }
}
