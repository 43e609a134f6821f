#!/bin/sh
# Unpacks Oracle's MySQL server from Debian's unstable distribution into .cache/mysql/root, with every
# library that it needs and its own loader, so that it runs beside this machine's packages and touches
# none of them. Needs apt-get, dpkg and Debian's keyring; 60 MB are fetched, signatures are verified.
#
#   sh test/services/fetch-mysql.sh [mirror]
set -eu

mirror=${1:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cd "$(dirname "$0")/../.."
for needed in apt-get dpkg dpkg-deb; do
  command -v "$needed" >/dev/null || { echo "needs $needed" >&2; exit 69; }
done
[ -e "$keyring" ] || { echo "needs $keyring" >&2; exit 69; }

home=$PWD/.cache/mysql
apt=$home/apt
rm -rf "$apt" "$home/new"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/sources" "$home/new"
trap 'rm -rf "$apt" "$home/new"' EXIT
touch "$apt/status"
cat >"$apt/sources/unstable.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: sid
Components: main
Signed-By: $keyring
SOURCES
cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Acquire::Languages "none";
APT::Sandbox::User "";
CONF
export APT_CONFIG="$apt/apt.conf"

# With an empty list of installed packages, apt fetches everything down to the C library.
apt-get update -qq
apt-get install -qq -y --download-only --no-install-recommends mysql-server-core
for package in "$apt"/archives/*.deb; do
  case "$package" in
    */perl*) ;; # only the scripts around the server need it
    *) dpkg-deb -x "$package" "$home/new" ;;
  esac
done
rm -rf "$home/new/usr/share/doc" "$home/new/usr/share/man" "$home/root"
# The server's account must be able to read what it runs.
chmod -R a+rX "$home/new"
mv "$home/new" "$home/root"
ls "$home/root/usr/sbin/mysqld"
