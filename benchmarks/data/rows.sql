-- The rows of the benchmark, the same on every machine: a value is a hash of its row's number.
-- The setting bench.orders says how many orders; there are a fifth as many users, and three items for each order.

CREATE FUNCTION pg_temp.orders() RETURNS int LANGUAGE sql STABLE AS $$ SELECT current_setting('bench.orders')::int $$;

CREATE FUNCTION pg_temp.hash(number bigint, salt int, below int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT (((hashint8extended(number, salt) & 9223372036854775807) % below))::int $$;

-- Names are padded, so that by name is by id.
CREATE TEMP VIEW row_categories AS
SELECT n AS id, 'Category ' || lpad(n::text, 2, '0') AS name, 'Description of category ' || n AS description,
  timestamptz '2024-01-01 00:00:00+00' + n * interval '1 hour' AS created_at
FROM generate_series(1, 50) n;

-- Each product has a moment of its own, in another order than the ids: 7919 and 10000 have no common divisor.
CREATE TEMP VIEW row_products AS
SELECT n AS id, 'Product ' || lpad(n::text, 5, '0') AS name,
  'Long description of product ' || n || ' ' || repeat('lorem ipsum ', 8) AS description,
  ((100 + pg_temp.hash(n, 1, 50000)) / 100.0)::numeric(10, 2) AS price,
  1000000 + pg_temp.hash(n, 2, 1000) AS stock_quantity,
  1 + pg_temp.hash(n, 3, 50) AS category_id,
  timestamptz '2024-02-01 00:00:00+00' + ((n * 7919) % 10000) * interval '13 minutes' AS created_at
FROM generate_series(1, 10000) n;

CREATE TEMP VIEW row_users AS
SELECT n AS id, 'user' || n || '@example.com' AS email, 'User Number ' || n AS full_name,
  timestamptz '2024-01-05 00:00:00+00' + n * (interval '20000 minutes' / (pg_temp.orders() / 5)) AS created_at
FROM generate_series(1, pg_temp.orders() / 5) n;

-- Every order has an item.
CREATE TEMP TABLE row_items AS
SELECT n AS id, CASE WHEN n <= pg_temp.orders() THEN n ELSE 1 + pg_temp.hash(n, 6, pg_temp.orders()) END AS order_id,
  p.id AS product_id, p.name AS product_name, 1 + pg_temp.hash(n, 8, 4) AS quantity, p.price AS unit_price
FROM generate_series(1, 3 * pg_temp.orders()) n JOIN row_products p ON p.id = 1 + pg_temp.hash(n, 7, 10000);

-- Every user has an order.
CREATE TEMP VIEW row_orders AS
SELECT n AS id,
  CASE WHEN n <= pg_temp.orders() / 5 THEN n ELSE 1 + pg_temp.hash(n, 4, pg_temp.orders() / 5) END AS user_id,
  (ARRAY['pending', 'completed', 'completed', 'completed', 'cancelled'])[1 + pg_temp.hash(n, 5, 5)] AS status,
  total AS total_amount,
  timestamptz '2024-06-01 00:00:00+00' + n * (interval '300000 minutes' / pg_temp.orders()) AS created_at
FROM generate_series(1, pg_temp.orders()) n
JOIN (SELECT order_id, sum(quantity * unit_price) AS total FROM row_items GROUP BY order_id) t ON t.order_id = n;
