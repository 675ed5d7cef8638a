import com.google.protobuf.InvalidProtocolBufferException;
import crm.common.v1.LogControlOuterClass.LogControl;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.utils.Utils;

/** Which records of one partition count: the table of docs/consuming-events.md. Not thread-safe. */
final class FenceFilter {
  private static final Set<String> CONTROL = Set.of("own", "release", "genesis", "epoch");
  private long fence = -1; // Offset of the latest OWN.
  private long next = 1; // The seq that the next valid event bears.
  private final List<ConsumerRecord<byte[], byte[]>> command = new ArrayList<>();

  /** The next record in offset order. Returns the events of the command that it completes, mostly none. */
  List<ConsumerRecord<byte[], byte[]>> next(ConsumerRecord<byte[], byte[]> record) {
    if (foreign(record)) return List.of();
    String kind = header(record, "crm-kind");
    if (kind.equals("own")) {
      command.clear(); // What it tears is void.
      fence = record.offset();
      next = 1;
    }
    if (!kind.equals("event")) return List.of();
    if (number(record, "crm-fence") != fence || number(record, "crm-seq") != next) return List.of();
    next++;
    command.add(record);
    if (header(record, "crm-last") == null) return List.of();
    List<ConsumerRecord<byte[], byte[]>> complete = List.copyOf(command);
    command.clear();
    return complete;
  }

  /** Not one of the CRM's: passed over, whatever it claims. */
  private static boolean foreign(ConsumerRecord<byte[], byte[]> record) {
    String kind = header(record, "crm-kind");
    boolean event = "event".equals(kind);
    if (!event && (kind == null || !CONTROL.contains(kind))) return true;
    for (String name : List.of("crm-fence", "crm-seq")) {
      String text = header(record, name);
      if ((event || (text != null && !text.isEmpty())) && number(record, name) < 0) return true;
    }
    if (header(record, "crm-last") != null && !header(record, "crm-last").equals("1")) return true;
    return event ? !keyBelongs(record) : !control(record.value());
  }

  private static boolean keyBelongs(ConsumerRecord<byte[], byte[]> record) {
    if (record.key() == null || record.key().length == 0) return true;
    String key = new String(record.key(), StandardCharsets.ISO_8859_1);
    int slash = key.indexOf('/');
    return slash > 0 && slash < key.length() - 1
        && Utils.toPositive(Utils.murmur2(record.key())) % 16 == record.partition();
  }

  private static boolean control(byte[] value) {
    try {
      LogControl.parseFrom(bytes(value));
      return true;
    } catch (InvalidProtocolBufferException noControl) {
      return false;
    }
  }

  static byte[] bytes(byte[] value) {
    return value == null ? new byte[0] : value;
  }

  /** A header's text, the first of that name; null where there is none. */
  static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    for (Header header : record.headers().headers(name)) {
      return new String(bytes(header.value()), StandardCharsets.UTF_8);
    }
    return null;
  }

  /** A number in its one form, decimal without sign or leading zeros; else -1. */
  private static long number(ConsumerRecord<byte[], byte[]> record, String name) {
    String text = header(record, name);
    if (text == null || !text.matches("0|[1-9][0-9]{0,18}")) return -1;
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException tooLarge) {
      return -1;
    }
  }
}
