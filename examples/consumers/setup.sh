#!/bin/bash
# Makes both examples ready to run, under build/consumers: the Python one's environment and stubs, the Java
# one's jars and classes. What is ready already is left alone.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
here="$root/examples/consumers"
out="$root/build/consumers"

"$root/scripts/setup.sh" --broker
mkdir -p "$out"
exec 9>"$out/lock"
flock 9

cd "$root/proto"
# The messages of events and control records; nothing of the services.
mapfile -t protos < <(find crm -name '*.proto' ! -name '*_service.proto' ! -name batch.proto | sort)
state="$(cat "${protos[@]}" "$here/python/requirements.txt" "$here/java/pom.xml" "$here"/java/*.java "$here/setup.sh" | sha256sum)"
if [[ "$(cat "$out/made" 2>/dev/null)" == "$state" ]]; then
  echo "consumers: ready in $out"
  exit 0
fi
rm -rf "$out/made" "$out/stubs" "$out/java"
mkdir -p "$out/stubs" "$out/java/src" "$out/java/classes"

echo "consumers: Python"
/usr/bin/python3 -m venv --clear "$out/python"
"$out/python/bin/pip" install -q --disable-pip-version-check --no-input -r "$here/python/requirements.txt"

echo "consumers: Java"
mvn -B -q -Dstyle.color=never -f "$here/java/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
  -DoutputDirectory="$out/java" </dev/null
# Google's annotations, which ours import, lie in a jar as protos and as classes.
(cd "$out" && "$out/python/bin/python" -m zipfile -e java/proto-google-common-protos-*.jar google)
protoc --python_out="$out/stubs" --java_out="$out/java/src" -I . -I "$out/google" "${protos[@]}"
find "$out/java/src" "$here/java" -name '*.java' >"$out/java/sources"
javac -nowarn -cp "$out/java/*" -d "$out/java/classes" "@$out/java/sources"

echo "$state" >"$out/made"
echo "consumers: ready in $out"
