import { utf8 } from '../utf8.ts'
import type { FolderEntry } from './file-store.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? '')

/** A page with links to what is in a folder: folders first, each by name. */
export function renderListing(path: string, entries: readonly FolderEntry[]): Uint8Array {
  const sorted = entries.toSorted(
    (a, b) => Number(b.folder) - Number(a.folder) || (a.name < b.name ? -1 : 1),
  )
  const links = sorted.map(({ name, folder }) => {
    const slash = folder ? '/' : ''
    // `./` so that a name with a colon is no scheme.
    return `<li><a href="./${escape(encodeURIComponent(name))}${slash}">${escape(name)}${slash}</a></li>\n`
  })
  const title = escape(path)
  const up = path === '/' ? '' : '<li><a href="../">../</a></li>\n'
  return utf8(
    `<!doctype html>\n<meta charset="utf-8">\n<title>${title}</title>\n<h1>${title}</h1>\n<ul>\n${up}${links.join('')}</ul>\n`,
  )
}
