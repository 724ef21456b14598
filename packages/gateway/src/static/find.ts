import { chooseEncoding } from '../compress/negotiate.ts'
import { ENCODINGS, type Encoding } from '../compress/port.ts'
import type { StaticOptions } from '../config/static.ts'
import type { FileRoot, FolderEntry, OpenFile } from './file-store.ts'

/** Where to look. */
export interface Wanted {
  readonly root: FileRoot
  /** Decoded path below the root, with a slash at its beginning; ignored for a single file. */
  readonly path: string
  readonly options: StaticOptions
  /** Codings the client takes (Accept-Encoding). */
  readonly accept: string | undefined
}

/** A file to send; has to be closed. */
export interface Found {
  readonly kind: 'file'
  readonly file: OpenFile
  /** Name for the MIME type: that of the file it is made of, where it is a compressed one. */
  readonly name: string
  readonly encoding: Encoding | undefined
  /** It answers for a path nothing is at. */
  readonly fallback: boolean
}

/** What a path leads to; `slash`: to a folder, the path has to say so. */
export type Finding =
  | Found
  | { readonly kind: 'slash' }
  | { readonly kind: 'listing'; readonly entries: readonly FolderEntry[] }
  | undefined

const EXTENSIONS: Readonly<Record<Encoding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' }
const INDEX = 'index.html'

/** Finds what a path stands for. */
export async function find(wanted: Wanted): Promise<Finding> {
  const { root, path, options } = wanted
  if (root.kind === 'file') return openAt(wanted, [])
  const names = path.slice(1).split('/')
  const folder = names.at(-1) === ''
  if (folder) names.pop()
  if (!names.every(isPlain)) return undefined
  const found = folder ? await findFolder(wanted, names) : await findFile(wanted, names)
  if (found !== undefined || options.fallback === undefined) return found
  // A picture or script that is missing is missing: a page in its place would only confuse.
  if (!folder && names.at(-1)?.includes('.')) return undefined
  return openAt(wanted, options.fallback, true)
}

async function findFolder(wanted: Wanted, names: readonly string[]): Promise<Finding> {
  const index = await openAt(wanted, [...names, INDEX])
  if (index !== undefined || !wanted.options.listing) return index
  const entries = await wanted.root.list?.(names)
  return entries && { kind: 'listing', entries: entries.filter(({ name }) => isPlain(name)) }
}

async function findFile(wanted: Wanted, names: readonly string[]): Promise<Finding> {
  const { root, options } = wanted
  const found = await root.find(names)
  if (typeof found === 'object') return negotiated(wanted, { file: found, names, fallback: false })
  if (found === undefined) return undefined
  if (options.listing) return { kind: 'slash' }
  const index = await root.find([...names, INDEX])
  if (typeof index !== 'object') return undefined
  await index.close()
  return { kind: 'slash' }
}

async function openAt(
  wanted: Wanted,
  names: readonly string[],
  fallback = false,
): Promise<Found | undefined> {
  const file = await wanted.root.find(names)
  return typeof file === 'object' ? negotiated(wanted, { file, names, fallback }) : undefined
}

interface Opened {
  readonly file: OpenFile
  readonly names: readonly string[]
  readonly fallback: boolean
}

/** The file, or the compressed one beside it that the client likes best. Closes it where it fails. */
function negotiated(wanted: Wanted, opened: Opened): Found | Promise<Found> {
  const { file, fallback } = opened
  // At once: each promise on the way costs small files a part of what they cost in all.
  if (!wanted.options.precompressed || opened.names.length === 0) {
    return { kind: 'file', file, name: file.name, encoding: undefined, fallback }
  }
  return chosen(wanted, opened).catch(async (error: unknown) => {
    await file.close().catch(() => {})
    throw error
  })
}

async function chosen(wanted: Wanted, { file, names, fallback }: Opened): Promise<Found> {
  const { root, accept } = wanted
  const name = file.name
  const last = names.at(-1) as string
  let left: readonly Encoding[] = ENCODINGS
  for (;;) {
    const encoding = chooseEncoding(accept, left)
    if (encoding === undefined) return { kind: 'file', file, name, encoding, fallback }
    const smaller = await root.find([...names.slice(0, -1), last + EXTENSIONS[encoding]])
    // One that is older was made of what the file is no more.
    if (typeof smaller === 'object') {
      if (smaller.modifiedMs >= file.modifiedMs) {
        await file.close()
        return { kind: 'file', file: smaller, name, encoding, fallback }
      }
      await smaller.close()
    }
    left = left.filter((one) => one !== encoding)
  }
}

/** No way out of the folder, and nothing hidden. */
function isPlain(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\\\0:]/.test(name)
}
