import com.google.gson.GsonBuilder;
import com.google.protobuf.InvalidProtocolBufferException;
import crm.analytics.v1.AnalyticsEvents.AnalyticsRecord;
import crm.campaign.v1.CampaignEvents.CampaignRecord;
import crm.common.v1.Event.EventMetadata;
import crm.contact.v1.ContactEvents.ContactRecord;
import crm.interaction.v1.InteractionEvents.InteractionRecord;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints the valid events of a topic as JSON lines, from its beginning to the end seen at the start:
 *
 * <p>java ReadEvents BOOTSTRAP TOPIC [--follow]
 */
public final class ReadEvents {
  public static void main(String[] args) throws Exception {
    boolean follow = args.length > 2 && args[2].equals("--follow");
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "enable.auto.commit", false,
        "isolation.level", "read_uncommitted", "auto.offset.reset", "none", "max.partition.fetch.bytes", 4 << 20);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(args[1]).forEach(p -> partitions.add(new TopicPartition(args[1], p.partition())));
      Map<Integer, FenceFilter> filters = new LinkedHashMap<>();
      partitions.forEach(p -> filters.put(p.partition(), new FenceFilter()));
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (follow || partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          for (var event : filters.get(record.partition()).next(record)) print(out, event);
        }
        out.flush();
      }
    }
  }

  private static void print(PrintStream out, ConsumerRecord<byte[], byte[]> event) {
    Map<String, Object> line = new LinkedHashMap<>();
    for (String name : List.of("id", "type", "source", "subject", "time")) {
      line.put(name, FenceFilter.header(event, "ce_" + name));
    }
    line.put("key", event.key() == null ? "" : new String(event.key(), StandardCharsets.UTF_8));
    line.put("partition", event.partition());
    line.put("offset", event.offset());
    try {
      line.put("version", metadata(event.topic(), FenceFilter.bytes(event.value())).getAggregateVersion());
    } catch (InvalidProtocolBufferException undecodable) {
      line.put("version", null); // Valid all the same: its seq is used up.
    }
    out.println(new GsonBuilder().serializeNulls().disableHtmlEscaping().create().toJson(line));
  }

  private static EventMetadata metadata(String topic, byte[] value) throws InvalidProtocolBufferException {
    String[] name = topic.split("\\."); // crm.contact.events
    return switch (name[name.length - 2]) {
      case "contact" -> ContactRecord.parseFrom(value).getMetadata();
      case "interaction" -> InteractionRecord.parseFrom(value).getMetadata();
      case "campaign" -> CampaignRecord.parseFrom(value).getMetadata();
      case "analytics" -> AnalyticsRecord.parseFrom(value).getMetadata();
      default -> throw new IllegalArgumentException(topic + " is no topic of the CRM");
    };
  }
}
