#!/bin/sh
# Creates the files of the container image: the binary, the files of the C library that it loads, the certificate authorities that TLS
# trusts, and a user. There is no shell and no package manager. You can try it without a container engine:
#
#   deploy/image-root.sh target/release/keyward /tmp/image && sudo chroot --userspec=65532:65532 /tmp/image /usr/local/bin/keyward version
set -eu

[ "$#" -eq 2 ] || { echo "usage: $0 BINARY FOLDER" >&2; exit 2; }
binary=$1
root=$2
if [ -e "$root" ]; then
  echo "$root exists already" >&2
  exit 1
fi

umask 022
mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/var/lib/keyward" "$root/tmp"
chmod 1777 "$root/tmp"
chmod 700 "$root/var/lib/keyward"
cp "$binary" "$root/usr/local/bin/keyward"

# Lines of ldd: "name => /path (0x…)", "/path (0x…)" for the loader, "linux-vdso.so.1 (0x…)" for the kernel's own.
ldd "$binary" | awk '$2 == "=>" { print $1, $3; next } $1 ~ /^\// { print $1, $1 }' | while read -r name path; do
  case ${name##*/} in
    libc.so.6 | libm.so.6 | libgcc_s.so.1 | ld-linux*) ;;
    *)
      echo "$binary needs $name: the release binary may need only libc, libm and libgcc_s" >&2
      exit 1
      ;;
  esac
  mkdir -p "$root${path%/*}"
  cp -L "$path" "$root$path"
done

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'keyward:x:65532:65532:Keyward:/var/lib/keyward:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'keyward:x:65532:' >"$root/etc/group"
