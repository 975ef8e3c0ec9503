// Package chromium shows views in a managed browser: Chromium, Chrome or Edge, driven over the DevTools pipe.
//
// [Browser] is a kiosk.Screen. It starts the browser with an empty profile that is thrown away, as an ordinary user with
// the sandbox on, and with no TCP port open; it works in off-the-record contexts only, so that no sign-in reaches a disk.
//
// A renewal happens out of sight: a hidden page signs in with a cookie jar of its own; only when it shows the wanted view
// do its cookies move, a background tab loads the view, and once that has painted the tabs are swapped.
package chromium
