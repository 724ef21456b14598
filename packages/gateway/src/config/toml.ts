import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import type { SourcePosition } from './types.ts'

/** A TOML value that knows where it stands. */
export type TomlValue =
  | { readonly kind: 'string'; readonly value: string; readonly at: SourcePosition }
  | { readonly kind: 'integer' | 'float'; readonly value: number; readonly at: SourcePosition }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly at: SourcePosition }
  | { readonly kind: 'date'; readonly at: SourcePosition }
  | { readonly kind: 'array'; readonly items: TomlValue[]; readonly at: SourcePosition }
  | TomlTable

export interface TomlTable {
  readonly kind: 'table'
  readonly at: SourcePosition
  readonly entries: Map<string, TomlEntry>
}

interface TomlEntry {
  /** Where the key stands. */
  readonly at: SourcePosition
  readonly value: TomlValue
}

/** What the parser says of a file that is not TOML. */
export interface TomlSyntaxError extends SourcePosition {
  readonly message: string
}

/** Reads TOML 1.0 into a tree with positions. */
export function readToml(text: string): TomlTable | TomlSyntaxError {
  let ast: AST.TOMLProgram
  try {
    ast = parseTOML(text, { tomlVersion: '1.0' })
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return { message: error.message, line: error.lineNumber, column: error.column + 1 }
  }
  const root = emptyTable({ line: 1, column: 1 })
  for (const node of ast.body[0].body) {
    if (node.type === 'TOMLKeyValue') addKeyValue(root, node)
    else {
      const table = tableAt(root, node.resolvedKey, position(node.key))
      for (const pair of node.body) addKeyValue(table, pair)
    }
  }
  return root
}

const position = (node: AST.TOMLNode): SourcePosition => ({
  line: node.loc.start.line,
  column: node.loc.start.column + 1,
})

const emptyTable = (at: SourcePosition): TomlTable => ({ kind: 'table', at, entries: new Map() })

/** Follows a resolved key such as `['http', 0, 'routes', 1]`, making what is missing. */
function tableAt(
  root: TomlTable,
  path: readonly (string | number)[],
  at: SourcePosition,
): TomlTable {
  let table = root
  for (let i = 0; i < path.length; i++) {
    const name = String(path[i])
    const index = path[i + 1]
    if (typeof index === 'number') {
      const items = arrayIn(table, name, at)
      items[index] ??= emptyTable(at)
      table = asTable(items[index], at)
      i++
    } else table = childTable(table, name, at)
  }
  return table
}

function arrayIn(table: TomlTable, name: string, at: SourcePosition): TomlValue[] {
  const existing = table.entries.get(name)?.value
  if (existing?.kind === 'array') return existing.items
  const items: TomlValue[] = []
  table.entries.set(name, { at, value: { kind: 'array', items, at } })
  return items
}

function childTable(table: TomlTable, name: string, at: SourcePosition): TomlTable {
  const existing = table.entries.get(name)
  if (existing) return asTable(existing.value, at)
  const child = emptyTable(at)
  table.entries.set(name, { at, value: child })
  return child
}

// The parser refuses a key that is both a table and something else, so this never invents one.
const asTable = (value: TomlValue | undefined, at: SourcePosition): TomlTable =>
  value?.kind === 'table' ? value : emptyTable(at)

function addKeyValue(table: TomlTable, node: AST.TOMLKeyValue): void {
  const names = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value))
  const last = names.pop() as string
  const at = position(node.key)
  const target = tableAt(table, names, at)
  target.entries.set(last, { at, value: valueOf(node.value) })
}

function valueOf(node: AST.TOMLContentNode): TomlValue {
  const at = position(node)
  if (node.type === 'TOMLArray') return { kind: 'array', items: node.elements.map(valueOf), at }
  if (node.type === 'TOMLInlineTable') {
    const table = emptyTable(at)
    for (const pair of node.body) addKeyValue(table, pair)
    return table
  }
  if (node.kind === 'string') return { kind: 'string', value: node.value, at }
  if (node.kind === 'boolean') return { kind: 'boolean', value: node.value, at }
  if (node.kind === 'integer' || node.kind === 'float') {
    return { kind: node.kind, value: node.value, at }
  }
  return { kind: 'date', at }
}
