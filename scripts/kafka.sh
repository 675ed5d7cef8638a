#!/bin/bash
# A real Apache Kafka for tests and trials: KRaft brokers on loopback, out of Maven's jars, without root and
# without a container engine. Stops just what it started.
#
#   scripts/kafka.sh up              starts the brokers and waits until each answers; already up: says so
#   scripts/kafka.sh down            stops them; the data stays
#   scripts/kafka.sh status          what runs and where; 0 when every broker runs, else 1
#   scripts/kafka.sh kill-broker N   SIGKILL, as a crash; N counts from 1
#   scripts/kafka.sh start-broker N  brings a broker back that was killed, and waits until it answers
#   scripts/kafka.sh restart-broker N  stops it in good order and starts it again
#   scripts/kafka.sh jars            only fetches the jars
#
#   --dir DIR       where data, logs and addresses lie (default build/kafka-VERSION)
#   --version V     of Kafka: 3.9.1 (default) or 4.1.0; others from 3.9 on should do
# and for `up`, which remembers them in DIR:
#   --brokers N     1 (default) or 3, each broker also a controller
#   --port P        of the first broker, the next ones follow; default: free ports
#   --tls           a further listener with TLS, its certificate signed by a CA of its own
#   --sasl          a further listener with SASL: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 (under TLS with --tls)
#   --fresh         stops what runs in DIR and begins with empty data
#
# Clusters in DIR/own/NAME (tests start theirs there) belong to DIR: down and --fresh stop them too.
# Written into DIR: bootstrap (host:port,host:port), broker-N.pid, broker-N.log, and with --tls or --sasl
# secure.env (addresses and names of files, for `source`).
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
start_seconds=60
stop_seconds=15

fail() { echo "kafka: $*" >&2; exit 1; }
usage() { echo "kafka: $1; scripts/kafka.sh --help tells more" >&2; exit 2; }
say() { echo "kafka: $*"; }

# --- what is asked for -------------------------------------------------------------------------------

command=""
node=""
dir=""
version=""
brokers=""
port=""
tls=false
sasl=false
fresh=false

value_of() { [[ -n "${2:-}" && "$2" != --* ]] || usage "$1 needs a value"; }

while (($#)); do
  case "$1" in
    -h|--help) sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --dir) value_of "$@"; dir="$(realpath -m "$2")"; shift ;;
    --version) value_of "$@"; version="$2"; shift ;;
    --brokers) value_of "$@"; brokers="$2"; shift ;;
    --port) value_of "$@"; port="$2"; shift ;;
    --tls) tls=true ;;
    --sasl) sasl=true ;;
    --fresh) fresh=true ;;
    --*) usage "unknown option '$1'" ;;
    *)
      if [[ -z "$command" ]]; then command="$1"
      elif [[ "$command" == *-broker && -z "$node" ]]; then node="$1"
      else usage "unknown argument '$1'"; fi ;;
  esac
  shift
done

case "$command" in
  up|down|status|jars) ;;
  kill-broker|start-broker|restart-broker)
    [[ "$node" =~ ^[1-9]$ ]] || usage "$command needs the number of a broker, from 1" ;;
  "") usage "what to do? up, down or status" ;;
  *) usage "unknown command '$command'" ;;
esac
[[ -z "$version" || "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] ||
  usage "--version '$version' is not one like 3.9.1 or 4.1.0"
[[ -z "$brokers" || "$brokers" == [13] ]] || usage "--brokers is 1 or 3, not '$brokers'"
[[ -z "$port" ]] || { [[ "$port" =~ ^[0-9]{1,5}$ ]] && ((port >= 1 && port <= 65000)); } ||
  usage "--port needs a number from 1 to 65000"
dir="${dir:-$root/build/kafka-${version:-3.9.1}}"

# --- Java, Maven, the jars ---------------------------------------------------------------------------

java_major() {
  local text
  text="$("$1" -version 2>&1 | head -n 1)" || return 1
  [[ "$text" =~ \"([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

find_java() {
  java="java"
  [[ -n "${JAVA_HOME:-}" && -x "$JAVA_HOME/bin/java" ]] && java="$JAVA_HOME/bin/java"
  command -v "$java" >/dev/null
}

need_tools() {
  if ! find_java || ! command -v mvn >/dev/null || ! command -v kcat >/dev/null; then
    "$root/scripts/setup.sh" --broker || fail "Java, Maven or kcat is missing; scripts/setup.sh --broker installs them"
    find_java || fail "no java after the set-up: put one of 17 or newer on the PATH or into JAVA_HOME"
  fi
  local major
  major="$(java_major "$java")" || fail "'$java -version' says nothing; is JAVA_HOME right?"
  ((major >= 17)) || fail "Java $major is too old for Kafka, 17 is needed: set JAVA_HOME to one, or apt-get install default-jdk-headless"
}

write_pom() {
  cat >"$1" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>crm</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
}

# Further arguments go to Maven.
copy_jars() {
  local target="$1"
  shift
  rm -rf "$target"
  mkdir -p "$target"
  write_pom "$target/pom.xml"
  mvn -B -q -Dstyle.color=never --strict-checksums -f "$target/pom.xml" "$@" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DoutputDirectory="$target" -DincludeScope=runtime </dev/null >"$target.log" 2>&1
}

# Every jar is a whole archive, and the broker's is among them.
whole_jars() {
  [[ -f "$1/kafka_2.13-$version.jar" ]] || return 1
  python3 - "$1" <<'PYTHON'
import pathlib, sys, zipfile
for jar in pathlib.Path(sys.argv[1]).glob("*.jar"):
    try:
        bad = zipfile.ZipFile(jar).testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as fault:
        bad = fault
    if bad:
        sys.exit(f"kafka: {jar.name} is broken: {bad}")
PYTHON
}

unchanged_jars() {
  [[ -f "$jars/complete" ]] && (cd "$jars" && sha256sum --quiet --check complete >/dev/null 2>&1)
}

fetch_jars() {
  jars="$root/build/kafka-jars/$version"
  archive="$jars.jsa"
  mkdir -p "$root/build/kafka-jars"
  exec 8>"$root/build/kafka-jars/$version.lock"
  flock 8
  if ! unchanged_jars; then
    need_tools
    say "fetching the jars of Kafka $version through Maven"
    local part="$jars.part"
    if ! copy_jars "$part" || ! whole_jars "$part"; then
      # What Maven holds of an earlier, broken download is passed over.
      copy_jars "$part" -U -Dmaven.repo.local="$jars.repository" && whole_jars "$part" || {
        grep -m 1 ERROR "$part.log" >&2 || true
        fail "Maven could not bring org.apache.kafka:kafka_2.13:$version; see $part.log. Is the version one that" \
          "exists, and does ~/.m2/settings.xml name a mirror that can be reached?"
      }
    fi
    (cd "$part" && sha256sum -- *.jar >complete)
    rm -rf "$jars" "$jars.repository"
    mv "$part" "$jars"
    rm -f "$part.log" "$archive"
  fi
  exec 8>&-
  [[ -f "$archive" || -n "${KAFKA_SH_ARCHIVE:-}" ]] || make_archive
}

# Classes as Java has them in memory, from a broker that only starts and stops: saves a third of each later start.
# Without one, or with another Java's, brokers start all the same.
make_archive() {
  local self="${BASH_SOURCE[0]}" trial="$jars.trial.$$"
  say "preparing Kafka $version, once"
  if KAFKA_SH_ARCHIVE="$trial/classes.jsa" "$self" up --dir "$trial" --version "$version" 9>&- >/dev/null; then
    "$self" down --dir "$trial" 9>&- >/dev/null
    [[ ! -f "$trial/classes.jsa" ]] || mv "$trial/classes.jsa" "$archive"
  fi
  rm -rf "$trial"
}

# --- the cluster's own description -------------------------------------------------------------------

# cluster.env: what `up` was asked for and the ports it took; kept as long as the data.
load_cluster() {
  [[ -f "$dir/cluster.env" ]] || return 1
  # shellcheck disable=SC1091
  source "$dir/cluster.env"
}

save_cluster() {
  {
    echo "cluster_version=$version"
    echo "cluster_brokers=$brokers"
    echo "cluster_tls=$tls"
    echo "cluster_sasl=$sasl"
    echo "cluster_id=$cluster_id"
    echo "client_ports=(${client_ports[*]})"
    echo "controller_ports=(${controller_ports[*]})"
    echo "tls_ports=(${tls_ports[*]})"
    echo "sasl_ports=(${sasl_ports[*]})"
  } >"$dir/cluster.env.part"
  mv "$dir/cluster.env.part" "$dir/cluster.env"
}

adopt_cluster() {
  version="$cluster_version" brokers="$cluster_brokers" tls="$cluster_tls" sasl="$cluster_sasl"
}

same_cluster() {
  [[ -z "$version" || "$version" == "$cluster_version" ]] &&
    [[ -z "$brokers" || "$brokers" == "$cluster_brokers" ]] &&
    [[ -z "$port" || "$port" == "${client_ports[0]}" ]] &&
    { ! $tls || $cluster_tls; } && { ! $sasl || $cluster_sasl; }
}

# Free ports below those that the system gives to outgoing connections, so that a broker finds its port free
# when it comes back.
free_ports() {
  python3 - "$1" <<'PYTHON'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(12000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(*(s.getsockname()[1] for s in held))
PYTHON
}

choose_ports() {
  local all
  read -ra all < <(free_ports $((brokers * 4)))
  client_ports=("${all[@]:0:brokers}")
  controller_ports=("${all[@]:brokers:brokers}")
  tls_ports=("${all[@]:brokers*2:brokers}")
  sasl_ports=("${all[@]:brokers*3:brokers}")
  [[ -z "$port" ]] || client_ports=($(seq "$port" $((port + brokers - 1))))
}

addresses() {
  local list
  list="$(printf ',127.0.0.1:%s' "$@")"
  echo "${list:1}"
}

# --- certificates and users --------------------------------------------------------------------------

make_certificates() {
  local at="$dir/tls"
  mkdir -p "$at"
  (
    umask 077
    cd "$at"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=crm trial CA" -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout broker.key -out broker.csr
    openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out broker.crt \
      -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
    cat broker.key broker.crt >broker.pem
  ) >"$at/openssl.log" 2>&1 || { cat "$at/openssl.log" >&2; fail "openssl could not make the certificates"; }
}

make_password() {
  (umask 077; openssl rand -hex 16 >"$dir/sasl-password")
}

write_secure_env() {
  {
    echo "# For \`source\`: the further listeners of the brokers in this directory."
    if $tls; then
      echo "KAFKA_CA_FILE=$dir/tls/ca.pem"
      echo "KAFKA_TLS_BOOTSTRAP=$(addresses "${tls_ports[@]}")"
    fi
    if $sasl; then
      echo "KAFKA_SASL_BOOTSTRAP=$(addresses "${sasl_ports[@]}")"
      echo "KAFKA_SASL_TLS=$tls"
      echo "KAFKA_SASL_MECHANISMS='PLAIN SCRAM-SHA-256 SCRAM-SHA-512'"
      echo "KAFKA_SASL_USERNAME=crm"
      echo "KAFKA_SASL_PASSWORD_FILE=$dir/sasl-password"
    fi
  } >"$dir/secure.env"
}

# --- one broker --------------------------------------------------------------------------------------

voters() {
  local i list=""
  for ((i = 1; i <= brokers; i++)); do list+=",$i@127.0.0.1:${controller_ports[i - 1]}"; done
  echo "${list:1}"
}

secure_properties() {
  local module=org.apache.kafka.common.security
  if $tls; then
    echo "ssl.keystore.type=PEM"
    echo "ssl.keystore.location=$dir/tls/broker.pem"
  fi
  if $sasl; then
    echo "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
    echo "listener.name.sasl.plain.sasl.jaas.config=$module.plain.PlainLoginModule required user_crm=\"$(cat "$dir/sasl-password")\";"
    echo "listener.name.sasl.scram-sha-256.sasl.jaas.config=$module.scram.ScramLoginModule required;"
    echo "listener.name.sasl.scram-sha-512.sasl.jaas.config=$module.scram.ScramLoginModule required;"
  fi
}

write_properties() {
  local n="$1" client="PLAINTEXT://127.0.0.1:${client_ports[$1 - 1]}"
  local in_sync=$((brokers == 3 ? 2 : 1)) sasl_protocol=SASL_PLAINTEXT
  $tls && client+=",TLS://127.0.0.1:${tls_ports[n - 1]}" sasl_protocol=SASL_SSL
  $sasl && client+=",SASL://127.0.0.1:${sasl_ports[n - 1]}"
  (
    umask 077
    {
      cat <<PROPERTIES
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$(voters)
controller.listener.names=CONTROLLER
listeners=$client,CONTROLLER://127.0.0.1:${controller_ports[n - 1]}
advertised.listeners=$client
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,SASL:$sasl_protocol
log.dirs=$dir/broker-$n
auto.create.topics.enable=false
default.replication.factor=$brokers
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# A dead broker is noticed, and let in again, within seconds.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
      secure_properties
    } >"$dir/broker-$n.properties"
  )
}

run_java() {
  "$java" -cp "$jars/*" "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn" "$@"
}

format() {
  local n="$1" users=() mechanism
  rm -rf "${dir:?}/broker-$n"
  if $sasl; then
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
      users+=(--add-scram "$mechanism=[name=crm,password=$(cat "$dir/sasl-password")]")
    done
  fi
  run_java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC kafka.tools.StorageTool format \
    --cluster-id "$cluster_id" --config "$dir/broker-$n.properties" "${users[@]}" \
    </dev/null >"$dir/broker-$n.format.log" 2>&1 || {
    cat "$dir/broker-$n.format.log" >&2
    fail "the storage of broker $n could not be formatted"
  }
}

# Our mark in a broker's command line; a pid alone may belong to somebody else by now.
mark() { echo "-Dcrm.kafka.broker=$dir/broker-$1"; }

pid_of() {
  local pid
  pid="$(cat "$dir/broker-$1.pid" 2>/dev/null)" || return 1
  [[ "$pid" =~ ^[0-9]+$ ]] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -e "$(mark "$1")" &&
    echo "$pid"
}

launch() {
  local n="$1" memory=512m
  ((brokers == 3)) && memory=256m
  local quiet=-Dorg.slf4j.simpleLogger sharing="-XX:SharedArchiveFile=$archive"
  [[ -z "${KAFKA_SH_ARCHIVE:-}" ]] || sharing="-XX:ArchiveClassesAtExit=$KAFKA_SH_ARCHIVE"
  # Neither a terminal nor a caller that waits for its pipes to close holds the broker, nor it them.
  (
    exec 9>&-
    run_with=("$java" "$(mark "$n")" "-Xmx$memory" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError "$sharing" -Xlog:cds=off
      -Xlog:cds+dynamic=off -cp "$jars/*"
      "$quiet.defaultLogLevel=warn" "$quiet.showDateTime=true" "$quiet.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS"
      "$quiet.log.kafka.server.KafkaRaftServer=info" "$quiet.log.org.apache.kafka.coordinator.group=info"
      kafka.Kafka "$dir/broker-$n.properties")
    cd "$dir"
    setsid "${run_with[@]}" </dev/null >>"$dir/broker-$n.log" 2>&1 &
    echo $! >"$dir/broker-$n.pid"
  )
}

# The broker answers, and knows of itself; with `all` it knows every broker.
answers() {
  local n="$1" seen
  seen="$(kcat -L -m 2 -b "127.0.0.1:${client_ports[n - 1]}" 2>/dev/null)" || return 1
  if [[ "${2:-}" == all ]]; then
    (($(grep -cE '^  broker [0-9]+ at ' <<<"$seen") == brokers))
  else
    grep -qE "^  broker $n at " <<<"$seen"
  fi
}

# 1: ended by itself; 2: no answer in time.
wait_for() {
  local n="$1" deadline=$((SECONDS + start_seconds))
  until answers "$@"; do
    pid_of "$n" >/dev/null || return 1
    ((SECONDS < deadline)) || return 2
    sleep 0.1
  done
}

explain() {
  local n="$1"
  tail -n 15 "$dir/broker-$n.log" >&2
  if grep -q 'Address already in use' "$dir/broker-$n.log"; then
    fail "broker $n found a port taken; another --port, or none for free ones, helps"
  fi
  fail "broker $n did not start; its log is $dir/broker-$n.log. After a change of version or shape: up --fresh"
}

stop_with() {
  local signal="$1" n="$2" pid deadline=$((SECONDS + stop_seconds))
  if pid="$(pid_of "$n")"; then
    kill "-$signal" "$pid" 2>/dev/null || true
    while pid_of "$n" >/dev/null; do
      # Brokers that stop together may wait for a quorum that is gone.
      ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.05
    done
  fi
  rm -f "$dir/broker-$n.pid"
}

# --- commands ----------------------------------------------------------------------------------------

running() {
  local n count=0
  for ((n = 1; n <= cluster_brokers; n++)); do pid_of "$n" >/dev/null && count=$((count + 1)); done
  echo "$count"
}

stop_all() {
  local n pid own
  for own in "$dir"/own/*/cluster.env; do
    [[ ! -f "$own" ]] || "${BASH_SOURCE[0]}" down --dir "$(dirname "$own")" 9>&-
  done
  for ((n = 1; n <= cluster_brokers; n++)); do
    if pid="$(pid_of "$n")"; then kill -TERM "$pid" 2>/dev/null || true; fi
  done
  for ((n = 1; n <= cluster_brokers; n++)); do stop_with TERM "$n"; done
}

lay_out() {
  local n
  cluster_id="$(openssl rand -base64 16 | tr '+/' '-_' | tr -d '=')"
  # An id that begins with '-' would be taken for an option.
  cluster_id="k${cluster_id:1}"
  $tls && make_certificates
  $sasl && make_password
  choose_ports
  for ((n = 1; n <= brokers; n++)); do
    write_properties "$n"
    format "$n"
  done
  save_cluster
}

start_all() {
  local n
  for ((n = 1; n <= brokers; n++)); do
    pid_of "$n" >/dev/null || { : >"$dir/broker-$n.log"; launch "$n"; }
  done
  for ((n = 1; n <= brokers; n++)); do wait_for "$n" all || return 1; done
}

forget() {
  rm -rf "$dir"/broker-* "$dir/own" "$dir/cluster.env" "$dir/bootstrap" "$dir/secure.env" "$dir/tls" "$dir/sasl-password"
}

port_taken() { grep -qs 'Address already in use' "$dir"/broker-*.log; }

announce() {
  addresses "${client_ports[@]}" >"$dir/bootstrap.part"
  mv "$dir/bootstrap.part" "$dir/bootstrap"
  if $tls || $sasl; then write_secure_env; fi
}

up() {
  local n attempt
  if load_cluster; then
    if $fresh; then
      stop_all
    elif ! same_cluster; then
      fail "$dir holds a cluster of Kafka $cluster_version with $cluster_brokers broker(s) at" \
        "$(addresses "${client_ports[@]}"); up --fresh begins anew, another --dir keeps both"
    elif (($(running) == cluster_brokers)) && [[ -f "$dir/bootstrap" ]]; then
      say "already up: Kafka $cluster_version at $(cat "$dir/bootstrap")"
      return
    fi
  fi
  $fresh && forget
  if load_cluster; then adopt_cluster; fi
  version="${version:-3.9.1}" brokers="${brokers:-1}"
  need_tools
  fetch_jars
  for attempt in 1 2 3; do
    [[ -f "$dir/cluster.env" ]] || lay_out
    start_all && break
    # Somebody was quicker with a port that was free when we looked: other ports, unless data lie here.
    if ! port_taken || [[ -n "$port" || -f "$dir/bootstrap" ]] || ((attempt == 3)); then
      for ((n = 1; n < brokers; n++)); do answers "$n" all || break; done
      cluster_brokers=$brokers; (explain "$n") || { stop_all; exit 1; }
    fi
    cluster_brokers=$brokers; stop_all; forget
  done
  announce
  say "Kafka $version is up with $brokers broker(s) at $(cat "$dir/bootstrap"); data and logs in $dir"
}

need_cluster() {
  load_cluster || fail "there is no cluster in $dir; scripts/kafka.sh up --dir $dir makes one"
  adopt_cluster
}

status() {
  local n pid count=0
  load_cluster || { say "nothing was started in $dir"; exit 1; }
  for ((n = 1; n <= cluster_brokers; n++)); do
    if pid="$(pid_of "$n")"; then
      count=$((count + 1))
      say "broker $n of Kafka $cluster_version runs at 127.0.0.1:${client_ports[n - 1]}, pid $pid," \
        "$(awk '/^VmRSS/ { printf "%d MiB", $2 / 1024 }' "/proc/$pid/status") resident"
    else
      say "broker $n of Kafka $cluster_version does not run"
    fi
  done
  ((count == cluster_brokers))
}

bring_back() {
  need_cluster
  ((node <= brokers)) || fail "there is no broker $node: the cluster in $dir has $brokers"
  need_tools
  fetch_jars
  if ! pid_of "$node" >/dev/null; then launch "$node"; fi
  wait_for "$node" || explain "$node"
  say "broker $node answers at 127.0.0.1:${client_ports[node - 1]}"
}

end_broker() {
  need_cluster
  ((node <= brokers)) || fail "there is no broker $node: the cluster in $dir has $brokers"
  stop_with "$1" "$node"
}

locked() {
  mkdir -p "$dir"
  exec 9>"$dir/lock"
  flock 9
}

case "$command" in
  jars) version="${version:-3.9.1}"; fetch_jars; say "the jars of Kafka $version are in $jars" ;;
  status) status ;;
  up) locked; up ;;
  down)
    load_cluster || { say "nothing was started in $dir"; exit 0; }
    locked
    stop_all
    say "nothing runs in $dir any more" ;;
  kill-broker) locked; end_broker KILL ;;
  start-broker) locked; bring_back ;;
  restart-broker) locked; end_broker TERM; bring_back ;;
esac
