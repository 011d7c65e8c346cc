/** A public host key. */
export interface HostKey {
  readonly type: string;
  /** The SSH wire format, base64. */
  readonly blob: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
}
