import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, opendir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, relative, resolve, sep } from 'node:path'
import type { FileRoot, FileStore, FolderEntry, OpenFile } from '../static/file-store.ts'

export interface FilesOptions {
  /** Folder that relative paths start from. @default process.cwd(), as in 2020 */
  readonly base?: string
}

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

/** The gateway's port to the file system. */
export function createFiles(options: FilesOptions = {}): FileStore {
  const base = options.base ?? process.cwd()
  return {
    async open(path) {
      const absolute = resolve(base, path)
      const stats = await stat(absolute)
      if (stats.isDirectory()) return folderRoot(absolute)
      if (stats.isFile()) return fileRoot(absolute)
      throw new Error(`"${absolute}" is neither a file nor a folder`)
    },
    readText: (path) => readFile(resolve(base, path), 'utf8'),
  }
}

function fileRoot(path: string): FileRoot {
  return { kind: 'file', find: () => absentAs(async () => openFile(await realpath(path), path)) }
}

function folderRoot(root: string): FileRoot {
  return {
    kind: 'folder',
    find: (names) =>
      absentAs(async () => {
        const top = await realpath(root)
        const path = resolve(top, ...names)
        const real = await realpath(path)
        return isInside(top, real) ? openFile(real, path) : undefined
      }),
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

async function openFile(path: string, name: string): Promise<OpenFile | 'folder' | undefined> {
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

function opened(handle: FileHandle, stats: BigIntStats, name: string): OpenFile {
  return {
    name,
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    version: `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}`,
    async read(position, length) {
      const buffer = Buffer.allocUnsafeSlow(length)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      return buffer.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}
