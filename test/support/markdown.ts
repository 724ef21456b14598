// Reads Markdown as far as tests of our pages need it: fenced blocks, links, headings, code in text.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** A fenced block. */
export interface Block {
  /** Page and line, as an editor opens them. */
  readonly where: string
  /** First word behind the fence, `''` where there is none. */
  readonly language: string
  /** Other words behind the fence. */
  readonly marks: readonly string[]
  readonly code: string
}

/** Something said at a line of a page. */
export interface Mention {
  readonly where: string
  readonly text: string
}

/** A Markdown file. */
export interface Page {
  /** From the repository's root. */
  readonly path: string
  readonly blocks: readonly Block[]
  readonly links: readonly Mention[]
  /** Code within text. */
  readonly code: readonly Mention[]
  /** What `#…` may lead to, as GitHub names headings. */
  readonly anchors: ReadonlySet<string>
  readonly text: string
}

const SKIPPED = new Set(['node_modules', 'dist', 'results', 'CHANGELOG.md'])

/** Every Markdown file of the repository's own, without changelogs. */
export function markdownFiles(folder: string = ROOT): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (SKIPPED.has(entry.name) || entry.name.startsWith('.')) return []
    if (entry.isDirectory()) return markdownFiles(path)
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : []
  })
}

/** Reads a page. */
export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const { blocks, prose } = split(path, text)
  const headings = prose.flatMap((line) => /^#+ +(.*)/.exec(line.text)?.[1] ?? [])
  return {
    path,
    blocks,
    links: prose.flatMap((line) => found(line, /\]\(([^)\s]+)\)/g)),
    code: prose.flatMap((line) => found(line, /`([^`]+)`/g)),
    anchors: anchorsOf(headings),
    text,
  }
}

function found({ where, text }: Mention, pattern: RegExp): readonly Mention[] {
  return [...text.matchAll(pattern)].map(([, one = '']) => ({ where, text: one }))
}

/** Blocks, and the lines outside of them. */
function split(path: string, text: string): { blocks: Block[]; prose: Mention[] } {
  const blocks: Block[] = []
  const prose: Mention[] = []
  let open: { where: string; info: string; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const where = `${path}:${index + 1}`
    const info = /^ *```(.*)/.exec(line)?.[1]
    if (info === undefined) {
      if (open) open.lines.push(line)
      else prose.push({ where, text: line })
    } else if (open) {
      const [language = '', ...marks] = open.info.split(' ')
      blocks.push({ where: open.where, language, marks, code: open.lines.join('\n') })
      open = undefined
    } else open = { where, info, lines: [] }
  }
  if (open) throw new Error(`${open.where}: a block is never closed`)
  return { blocks, prose }
}

function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const heading of headings) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    let name = anchor
    for (let again = 1; anchors.has(name); again += 1) name = `${anchor}-${again}`
    anchors.add(name)
  }
  return anchors
}
