// The core compiles with `types: []`. This one is in every JavaScript runtime (WHATWG Encoding).
declare class TextEncoder {
  encode(input: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  decode(input: Uint8Array): string
}

// WHATWG HTML §8.3.
declare function atob(data: string): string
declare function btoa(data: string): string
