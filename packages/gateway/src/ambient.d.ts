// The core compiles with `types: []`. This one is in every JavaScript runtime (WHATWG Encoding).
declare class TextEncoder {
  encode(input: string): Uint8Array<ArrayBuffer>
}
