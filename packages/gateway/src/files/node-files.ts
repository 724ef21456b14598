import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, opendir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, relative, resolve, sep } from 'node:path'
import type { FileRoot, FileStore, FolderEntry } from '../static/file-store.ts'
import { FileCache, type FileClock, type Looked, type StoredFile } from './file-cache.ts'

export interface FilesOptions {
  /** Folder that relative paths start from. @default process.cwd(), as in 2020 */
  readonly base?: string
  /** Time. @default that of the system */
  readonly clock?: FileClock
}

const SYSTEM_CLOCK: FileClock = { now: () => performance.now(), today: () => Date.now() }

/** Not following a link at the end closes the gap between the check and the opening. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What "nothing there" looks like; anything else is a failure. */
const ABSENT: ReadonlySet<unknown> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'EACCES',
])

/**
 * The gateway's port to the file system. Keeps small files in memory, 16 MiB in all, and looks for
 * changes of what is asked for ten times a second.
 */
export function createFiles(options: FilesOptions = {}): FileStore {
  const base = options.base ?? process.cwd()
  const cache = new FileCache(options.clock ?? SYSTEM_CLOCK)
  return {
    async open(path) {
      const absolute = resolve(base, path)
      const stats = await stat(absolute)
      if (stats.isDirectory()) return folderRoot(absolute, cache)
      if (stats.isFile()) return fileRoot(absolute, cache)
      throw new Error(`"${absolute}" is neither a file nor a folder`)
    },
    readText: (path) => readFile(resolve(base, path), 'utf8'),
  }
}

function fileRoot(path: string, cache: FileCache): FileRoot {
  const look = () => absentAs(async () => openFile(await realpath(path), path))
  return { kind: 'file', find: () => cache.find(path, look) }
}

function folderRoot(root: string, cache: FileCache): FileRoot {
  const look = (names: readonly string[]) =>
    absentAs(async () => {
      const top = await realpath(root)
      const path = resolve(top, ...names)
      const real = await realpath(path)
      return isInside(top, real) ? openFile(real, path) : undefined
    })
  return {
    kind: 'folder',
    // No path and no name has a NUL: nothing else has this key.
    find: (names) => cache.find(`${root}\0${names.join('/')}`, () => look(names)),
    list: (names) => absentAs(() => listFolder(root, names)),
  }
}

/** Entries of a folder that are shown at the most. */
const MAX_ENTRIES = 1_000

async function listFolder(
  root: string,
  names: readonly string[],
): Promise<readonly FolderEntry[] | undefined> {
  const top = await realpath(root)
  const path = await realpath(resolve(top, ...names))
  if (!isInside(top, path)) return undefined
  const entries: FolderEntry[] = []
  for await (const entry of await opendir(path)) {
    if (entry.name.startsWith('.')) continue
    const shown = entry.isSymbolicLink() ? await followed(top, resolve(path, entry.name)) : entry
    if (shown?.isDirectory()) entries.push({ name: entry.name, folder: true })
    else if (shown?.isFile()) entries.push({ name: entry.name, folder: false })
    if (entries.length === MAX_ENTRIES) break
  }
  return entries
}

/** What a link leads to, within the root. */
const followed = (top: string, link: string): Promise<BigIntStats | undefined> =>
  absentAs(async () => {
    const real = await realpath(link)
    return isInside(top, real) ? stat(real, { bigint: true }) : undefined
  })

/** Below the folder, and not hidden in it: a link may lead there. */
function isInside(top: string, path: string): boolean {
  if (path === top) return true
  const from = top.endsWith(sep) ? top : top + sep
  if (!path.startsWith(from)) return false
  return relative(top, path)
    .split(sep)
    .every((name) => !name.startsWith('.'))
}

async function absentAs<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof Error && 'code' in error && ABSENT.has(error.code)) return undefined
    throw error
  }
}

async function openFile(path: string, name: string): Promise<Looked<StoredFile>> {
  const handle = await open(path, FLAGS)
  try {
    const stats = await handle.stat({ bigint: true })
    if (stats.isFile()) return opened(handle, stats, basename(name))
    await handle.close()
    return stats.isDirectory() ? 'folder' : undefined
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}-${stats.ino}-${stats.size}-${stats.mtimeNs}-${stats.ctimeNs}`
}

function opened(handle: FileHandle, stats: BigIntStats, name: string): StoredFile {
  const identity = identityOf(stats)
  return {
    name,
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    identity,
    changedMs: Number(stats.ctimeMs),
    same: async () => identityOf(await handle.stat({ bigint: true })) === identity,
    version: `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}`,
    async read(position, length) {
      const buffer = Buffer.allocUnsafeSlow(length)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      return buffer.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}
