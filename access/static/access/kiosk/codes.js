// QR codes before the camera: by the browser's own reader, else by jsQR where it was brought in.

let reader = null;

async function make(there) {
  if ("BarcodeDetector" in self) {
    const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
    if (formats.includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (camera) => (await detector.detect(camera.video))[0]?.rawValue ?? "";
    }
  }
  if (!there) return null;
  await import("./vendor/jsqr.js");
  return async (camera) => {
    const { data, width, height } = camera.pixels();
    return self.jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data ?? "";
  };
}

export async function canRead(there) {
  reader ??= make(there).catch(() => null);
  return (await reader) !== null;
}

// The text of the code in the picture, "" where there is none.
export async function read(camera) {
  const found = await reader;
  return found && camera.running() ? found(camera).catch(() => "") : "";
}
