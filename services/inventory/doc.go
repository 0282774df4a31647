// Package inventory keeps what there is: gateways, sites, tags, devices, their host keys, and the platform pages. It resolves selections for runs and tells
// other services what an attempt at a device needs.
//
// Tables: gateway, site, tag, device, device_tag, host_key, platform_page, custom_platform.
//
// Invariants:
//   - A device's id never changes; a name is unique within its site ignoring case, among the devices that are not deleted.
//   - A deleted device stays as a tombstone, so that its history keeps a name; it is in no list, no selection and no target.
//   - A device has at least one tag; without any it gets `default`.
//   - The gateway `local` and the site `default` always exist (package wellknown).
//   - A host key is ACCEPTED at first contact only if nothing is accepted for the device yet; afterwards only a person accepts, now or by
//     planning a replacement.
//   - A replacement window accepts one key, and is gone with it. Who opened it and what came of it is in the audit trail before the key is trusted.
//   - A platform's page is the server's file of that name, else the one given by API, else the built-in one. A name or alias means one page.
//   - There is at most one jump host on the way to a device: none has one itself, and none that is used can be deleted.
//   - Every platform page that a target ever named can be had by its digest.
//
// Host keys of one device:
//
//	(none) -first contact, policy tofu-> ACCEPTED
//	(none) -shown, not trusted--------> OBSERVED -accepted by a person, by the fingerprint last observed-> ACCEPTED
//	any -shown to an agent while a replacement is planned---------> ACCEPTED, and the window is closed
//	any -forgotten by a person-> (none)
package inventory
