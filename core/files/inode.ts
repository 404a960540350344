import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { fromSystem, notFound, refused } from "./refusals.ts";

// A file or folder that is held by a descriptor. It is opened with O_PATH: whatever it is, opening it does nothing to it (no device is
// rewound, no FIFO waits for a writer), and only after it was judged is it opened again, through the descriptor, for its bytes.

/** Linux' O_PATH on x86-64 and arm64; Node.js does not name it. */
const O_PATH = 0o10000000;
const PERMISSION_MASK = 0o777;

/** `fatal`: a name that is not UTF-8 has no spelling in a path. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Inode implements Disposable {
  readonly #fd: number;
  readonly stats: Stats;

  private constructor(fd: number, stats: Stats) {
    this.#fd = fd;
    this.stats = stats;
  }

  /** Opens by name: only for the workspace itself, which its user chose. */
  static openRoot(path: string): Inode {
    return Inode.#open(path, path);
  }

  /** Opens what a folder holds under this name, without following a link. @throws LogoMeshError LM_FILE_NOT_FOUND, LM_FILE_REFUSED */
  openChild(name: string, path: string): Inode {
    return Inode.#open(this.childPath(name), path);
  }

  static #open(place: string, path: string): Inode {
    let fd: number;
    try {
      fd = openSync(place, O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      throw fromSystem(error, path);
    }
    try {
      return new Inode(fd, fstatSync(fd));
    } catch (error) {
      closeSync(fd);
      throw fromSystem(error, path);
    }
  }

  get isFolder(): boolean {
    return this.stats.isDirectory();
  }

  /** Permission bits without setuid, setgid and sticky. */
  get mode(): number {
    return this.stats.mode & PERMISSION_MASK;
  }

  /** Where the kernel says it is now. @throws LogoMeshError LM_FILE_REFUSED when it has no name any more, or none in UTF-8 */
  absolutePath(path: string): string {
    if (fstatSync(this.#fd).nlink === 0) throw notFound(path);
    const name = readlinkSync(this.place, { encoding: "buffer" });
    try {
      return utf8.decode(name);
    } catch {
      throw refused(path, "path", "its name is not UTF-8");
    }
  }

  /** Which mount it is on: unlike the device, it also tells a bind mount of the same file system apart. */
  mountId(): string {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${this.#fd}`, "utf8")) ?? [];
    return id ?? "";
  }

  /** Opens for reading exactly what was judged. @throws LogoMeshError LM_FILE_REFUSED */
  async openBytes(path: string): Promise<FileHandle> {
    try {
      return await open(this.place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      throw fromSystem(error, path);
    }
  }

  /** A path by which the kernel finds a name in this very folder. */
  childPath(name: string): string {
    return `${this.place}/${name}`;
  }

  /** A path by which the kernel finds this very file or folder, wherever it is. */
  get place(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
