-- Fills the peers' tables.
INSERT INTO categories (name, description, created_at)
SELECT name, description, created_at FROM row_categories ORDER BY id;
INSERT INTO products (name, description, price, stock_quantity, category_id, created_at)
SELECT name, description, price, stock_quantity, category_id, created_at FROM row_products ORDER BY id;
INSERT INTO users (email, full_name, created_at) SELECT email, full_name, created_at FROM row_users ORDER BY id;
INSERT INTO orders (user_id, status, total_amount, created_at)
SELECT user_id, status, total_amount, created_at FROM row_orders ORDER BY id;
INSERT INTO order_items (order_id, product_id, quantity, unit_price)
SELECT order_id, product_id, quantity, unit_price FROM row_items ORDER BY id;
