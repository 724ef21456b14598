import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FileCache, type Looked, type StoredFile } from '../src/files/file-cache.ts'
import { createFiles } from '../src/files/index.ts'
import type { FileRoot, OpenFile } from '../src/static/file-store.ts'

const HOUR = 3_600_000
const FRESH_MS = 100
const MODIFIED = 1_700_000_000

/** What a find gave, as a test looks at it: the content where it is a file. */
async function contentOf(looked: Looked<OpenFile>): Promise<string | undefined> {
  if (typeof looked !== 'object') return looked
  const bytes = await looked.read(0, looked.size)
  await looked.close()
  return Buffer.from(bytes).toString()
}

describe('files on a disk', () => {
  const top = mkdtempSync(join(tmpdir(), 'flatend-cache-'))
  afterAll(() => rmSync(top, { recursive: true }))

  let now = 0
  /** How far the clock of days is ahead of the file system's. */
  let ahead = HOUR
  let site = ''
  let root: FileRoot
  let folders = 0

  beforeEach(async () => {
    now = 0
    ahead = HOUR
    site = join(top, `site-${folders++}`)
    mkdirSync(site)
    write('a.txt', 'first')
    const clock = { now: () => now, today: () => Date.now() + ahead }
    root = await createFiles({ base: top, clock }).open(site)
  })

  function write(name: string, content: string): void {
    writeFileSync(join(site, name), content)
    utimesSync(join(site, name), MODIFIED, MODIFIED)
  }

  const changedNs = (name: string): bigint => statSync(join(site, name), { bigint: true }).ctimeNs

  const get = async (name = 'a.txt') => contentOf(await root.find([name]))

  it('shows a change once the answer is not fresh any more', async () => {
    expect(await get()).toBe('first')
    write('a.txt', 'second')
    now = FRESH_MS - 1
    expect(await get()).toBe('first')
    now = FRESH_MS
    expect(await get()).toBe('second')
  })

  it('shows a change that keeps size and time', async () => {
    expect(await get()).toBe('first')
    const before = changedNs('a.txt')
    // The clock of a file system goes in steps of some milliseconds.
    while (changedNs('a.txt') === before) write('a.txt', 'other')
    now = FRESH_MS
    expect(await get()).toBe('other')
  })

  it('reads again what changed too lately to be known by its time', async () => {
    // As a file system with coarse times would have it: all that is known of the file is the same.
    ahead = 0
    const content = ['first', 'other']
    const cache = new FileCache({ now: () => now, today: () => HOUR + ahead })
    const look = async (): Promise<StoredFile> => stored({ content: content[0] as string })
    expect(await contentOf(await cache.find('a', look))).toBe('first')
    content.shift()
    now = FRESH_MS
    ahead = 2_000
    expect(await contentOf(await cache.find('a', look))).toBe('other')
    // From now on its identity says enough.
    content[0] = 'never'
    now = 2 * FRESH_MS
    expect(await contentOf(await cache.find('a', look))).toBe('other')
  })

  it('has no file that was deleted, and has it again', async () => {
    expect(await get()).toBe('first')
    rmSync(join(site, 'a.txt'))
    now = FRESH_MS
    expect(await get()).toBeUndefined()
    write('a.txt', 'again')
    now = 2 * FRESH_MS
    expect(await get()).toBe('again')
  })

  it('has the file that was moved to its place', async () => {
    expect(await get()).toBe('first')
    write('b.txt', 'moved')
    renameSync(join(site, 'b.txt'), join(site, 'a.txt'))
    now = FRESH_MS
    expect(await get()).toBe('moved')
  })

  it('follows a link where it leads now, and never out of the folder', async () => {
    writeFileSync(join(top, 'secret.txt'), 'secret')
    write('b.txt', 'other')
    symlinkSync('a.txt', join(site, 'link.txt'))
    expect(await get('link.txt')).toBe('first')
    replaceLink('b.txt')
    now = FRESH_MS
    expect(await get('link.txt')).toBe('other')
    replaceLink('../secret.txt')
    expect(await get('link.txt')).toBe('other')
    now = 2 * FRESH_MS
    expect(await get('link.txt')).toBeUndefined()
    now = 3 * FRESH_MS
    expect(await get('link.txt')).toBeUndefined()
  })

  function replaceLink(target: string): void {
    symlinkSync(target, join(site, 'new'))
    renameSync(join(site, 'new'), join(site, 'link.txt'))
  }

  it('follows a folder that is replaced by a link', async () => {
    mkdirSync(join(top, 'outside'), { recursive: true })
    writeFileSync(join(top, 'outside/page.txt'), 'secret')
    mkdirSync(join(site, 'docs'))
    write('docs/page.txt', 'page')
    expect(await contentOf(await root.find(['docs', 'page.txt']))).toBe('page')
    rmSync(join(site, 'docs'), { recursive: true })
    symlinkSync('../outside', join(site, 'docs'))
    now = FRESH_MS
    expect(await root.find(['docs', 'page.txt'])).toBeUndefined()
  })

  it('gives a kept file the version it had', async () => {
    const versions = []
    for (now of [0, FRESH_MS / 2, FRESH_MS]) {
      const found = (await root.find(['a.txt'])) as OpenFile
      versions.push(found.version)
      expect(found).toMatchObject({ name: 'a.txt', size: 5, modifiedMs: MODIFIED * 1_000 })
      await found.close()
    }
    expect(new Set(versions).size).toBe(1)
    write('a.txt', 'longer')
    now = 2 * FRESH_MS
    expect(((await root.find(['a.txt'])) as OpenFile).version).not.toBe(versions[0])
  })

  it('answers any part of a kept file', async () => {
    const file = (await root.find(['a.txt'])) as OpenFile
    expect(Buffer.from(await file.read(1, 3)).toString()).toBe('irs')
    expect(await file.read(5, 10)).toHaveLength(0)
  })
})

interface Made {
  readonly content: string
  readonly size?: number
  readonly same?: boolean
}

/** A file of no disk; counts its handles. */
function stored({ content, size = content.length, same = true }: Made): StoredFile {
  open++
  return {
    name: 'file',
    size,
    modifiedMs: HOUR,
    version: 'v',
    identity: 'i',
    changedMs: HOUR,
    same: () => Promise.resolve(same),
    read: (position, length) =>
      Promise.resolve(Buffer.from(content.slice(position, position + length))),
    close() {
      open--
      return Promise.resolve()
    },
  }
}
let open = 0

describe('the cache', () => {
  const later = { now: () => 0, today: () => 2 * HOUR }
  beforeEach(() => {
    open = 0
  })

  it('looks once for all who ask at once, and holds no handle', async () => {
    const cache = new FileCache(later)
    let looks = 0
    const look = async () => {
      looks++
      return stored({ content: 'x' })
    }
    const all = await Promise.all(Array.from({ length: 50 }, () => cache.find('a', look)))
    expect(await Promise.all(all.map(contentOf))).toEqual(Array.from({ length: 50 }, () => 'x'))
    expect(looks).toBe(1)
    expect(open).toBe(0)
  })

  it('gives each its own handle of what is too large', async () => {
    const cache = new FileCache(later)
    const ask = () => cache.find('a', async () => stored({ content: 'x', size: 262_145 }))
    const [one, two] = await Promise.all([ask(), ask()])
    expect(one).not.toBe(two)
    expect(open).toBe(2)
    expect(cache.size).toBe(0)
  })

  it.each([
    { content: 'short', size: 6 },
    { content: 'x', same: false },
  ])('keeps nothing that changes while it is read: %o', async (made) => {
    const cache = new FileCache(later)
    const found = await cache.find('a', async () => stored(made))
    expect(found).toMatchObject({ size: made.size ?? 1 })
    expect(open).toBe(1)
    expect(cache.size).toBe(0)
  })

  it('forgets what became too large, a folder, or nothing', async () => {
    for (const next of [stored({ content: 'x', size: 300_000 }), 'folder', undefined] as const) {
      let now = 0
      const cache = new FileCache({ now: () => now, today: later.today })
      await cache.find('a', async () => stored({ content: 'x' }))
      expect(cache.size).toBeGreaterThan(0)
      now = FRESH_MS
      expect(await cache.find('a', async () => next)).toBe(next)
      expect(cache.size).toBe(0)
    }
  })

  it('keeps 16 MiB at the most, and what was asked for last', async () => {
    const cache = new FileCache(later)
    const content = 'x'.repeat(200_000)
    let looks = 0
    const ask = (key: string) =>
      cache.find(key, async () => {
        looks++
        return stored({ content })
      })
    for (let i = 0; i < 200; i++) {
      await ask(`file ${i}`)
      await ask('often')
      expect(cache.size).toBeLessThanOrEqual(16_777_216)
    }
    expect(looks).toBe(201)
    await ask('file 0')
    expect(looks).toBe(202)
    expect(open).toBe(0)
  })

  it('bounds empty files too', async () => {
    const cache = new FileCache(later)
    let looks = 0
    const ask = (key: string) =>
      cache.find(key, async () => {
        looks++
        return stored({ content: '' })
      })
    for (let i = 0; i < 20_000; i++) await ask(`empty ${i}`)
    expect(cache.size).toBeLessThanOrEqual(16_777_216)
    await ask('empty 0')
    expect(looks).toBe(20_001)
  })

  it.each(['folder', undefined] as const)(
    'looks for what is %s once while that is fresh',
    async (looked) => {
      let now = 0
      const cache = new FileCache({ now: () => now, today: later.today })
      let looks = 0
      const ask = (key: string) =>
        cache.find(key, async () => {
          looks++
          return looked
        })
      for (let i = 0; i < 10; i++) expect(await ask('a')).toBe(looked)
      expect(looks).toBe(1)
      now = FRESH_MS
      expect(await ask('a')).toBe(looked)
      expect(looks).toBe(2)
      expect(await contentOf(await cache.find('b', async () => stored({ content: 'b' })))).toBe('b')
      // Names are for clients to choose: so many are kept, and none that is long.
      for (let i = 0; i < 1_024; i++) await ask(`${i}`)
      await ask('a')
      await ask('1')
      for (let i = 0; i < 2; i++) await ask('x'.repeat(513))
      expect(looks).toBe(2 + 1_024 + 1 + 2)
      expect(await contentOf(await cache.find('b', async () => undefined))).toBe('b')
    },
  )

  it('asks again after a failure, and closes what it opened', async () => {
    const cache = new FileCache(later)
    const broken = {
      ...stored({ content: 'x' }),
      read: () => Promise.reject(new Error('the disk is gone')),
    }
    const asked = [cache.find('a', async () => broken), cache.find('a', async () => broken)]
    for (const one of asked) await expect(one).rejects.toThrow('the disk is gone')
    expect(open).toBe(0)
    expect(await contentOf(await cache.find('a', async () => stored({ content: 'y' })))).toBe('y')
  })
})
