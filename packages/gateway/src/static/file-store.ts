/** The gateway's port to files. Paths are those of the configuration. */
export interface FileStore {
  /** @throws Error where there is neither a file nor a folder. */
  open(path: string): Promise<FileRoot>
  /** A whole text file, for certificates. */
  readText(path: string): Promise<string>
}

/** What a static route serves. */
export interface FileRoot {
  readonly kind: 'file' | 'folder'
  /**
   * Opens a file below the root; none for the root itself. The names are checked: no slash, no dot
   * at the beginning, not empty. Never leaves the root, by symbolic links neither.
   * @returns `folder` where the path leads to a folder, `undefined` where it leads nowhere.
   */
  find(names: readonly string[]): Promise<OpenFile | 'folder' | undefined>
  /**
   * What is in a folder below the root, at most 1,000 entries; nothing that is hidden, or a link
   * out of the root. The names are checked like those of `find`.
   * @returns `undefined` where there is no such folder.
   */
  list?(names: readonly string[]): Promise<readonly FolderEntry[] | undefined>
}

/** Something in a folder. */
export interface FolderEntry {
  readonly name: string
  readonly folder: boolean
}

/** An open file; has to be closed. */
export interface OpenFile {
  /** Name with extension, for the MIME type. */
  readonly name: string
  /** In bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modifiedMs: number
  /** Changes whenever the content does; ASCII without quotes. */
  readonly version: string
  /** The next bytes from `position` on, at most `length`; empty at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}
